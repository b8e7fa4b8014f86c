"""Subscribes to events of Puente: typed, replayable, each handled once.

    python subscribe.py --descriptors descriptors.binpb --subject 'puente.v1.*.orders.order.*' --since 1h

The descriptor set is the schema of every event. The gateway serves it at /api/events/descriptors.binpb; in a checkout,
`puente events catalog --descriptors FILE` writes it. One JSON object per event is printed.
"""

import argparse
import asyncio
import json
import re
import sys
from collections import OrderedDict
from datetime import datetime, timedelta, timezone

import nats
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from nats.errors import TimeoutError as NothingNew
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

STREAM = "EVENTS"
BATCH = 100
# How long one fetch waits for new events.
FETCH_SECONDS = 5
# How many ids are remembered. A service keeps them in its database, in the transaction of what the event changes.
REMEMBERED = 10_000


class Schema:
    """Messages by their full names, from a descriptor set."""

    def __init__(self, encoded: bytes):
        files = descriptor_pb2.FileDescriptorSet.FromString(encoded).file
        self._pool = descriptor_pool.DescriptorPool()
        for file in files:
            self._pool.Add(file)

    def decode(self, name: str, payload: bytes):
        descriptor = self._pool.FindMessageTypeByName(name)
        return message_factory.GetMessageClass(descriptor).FromString(payload)


class Seen:
    """Ids of events that were handled: a replay brings events again under their own ids."""

    def __init__(self):
        self._ids: OrderedDict[str, None] = OrderedDict()

    def first_time(self, event_id: str) -> bool:
        if event_id in self._ids:
            return False
        self._ids[event_id] = None
        if len(self._ids) > REMEMBERED:
            self._ids.popitem(last=False)
        return True


def start_of(since: str | None) -> dict:
    """Where a new consumer begins: 10m, 2h, 1d, an RFC 3339 time, or only what comes from now on."""
    if since is None:
        return {"deliver_policy": DeliverPolicy.NEW}
    span = re.fullmatch(r"(\d+)([smhd])", since)
    if span:
        unit = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}[span[2]]
        start = datetime.now(timezone.utc) - timedelta(**{unit: int(span[1])})
    else:
        start = datetime.fromisoformat(since)
    return {
        "deliver_policy": DeliverPolicy.BY_START_TIME,
        "opt_start_time": start.astimezone(timezone.utc).isoformat().replace("+00:00", "Z"),
    }


async def subscribe(args) -> int:
    with open(args.descriptors, "rb") as file:
        schema = Schema(file.read())
    seen = Seen()
    client = await nats.connect(args.nats_url, user_credentials=args.creds, name="puente-example-python")
    config = ConsumerConfig(
        ack_policy=AckPolicy.EXPLICIT,
        filter_subject=args.subject,
        # Without a name the broker forgets the consumer soon after we are gone; with one it remembers how far we are.
        inactive_threshold=None if args.durable else 300,
        **start_of(args.since),
    )
    consumer = await client.jetstream().pull_subscribe(
        args.subject, durable=args.durable, stream=STREAM, config=config
    )
    handled = 0
    while args.count is None or handled < args.count:
        try:
            messages = await consumer.fetch(BATCH, timeout=FETCH_SECONDS)
        except NothingNew:
            continue
        for message in messages:
            headers = message.headers or {}
            if seen.first_time(headers["ce-id"]):
                event = schema.decode(headers["ce-type"], message.data)
                print(
                    json.dumps(
                        {
                            "id": headers["ce-id"],
                            "type": headers["ce-type"],
                            "time": headers["ce-time"],
                            "tenant": headers["puente-tenant"],
                            "replay": headers.get("puente-replay"),
                            "data": json_format.MessageToDict(event, preserving_proto_field_name=True),
                        },
                        ensure_ascii=False,
                    ),
                    flush=True,
                )
                handled += 1
            # Acknowledged after it was handled: what was not comes again.
            await message.ack()
            if args.count is not None and handled >= args.count:
                break
    await client.drain()
    return 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nats-url", default="nats://127.0.0.1:4222")
    parser.add_argument("--creds", help="credentials file of a NATS user")
    parser.add_argument("--descriptors", required=True, help="descriptor set of the events")
    parser.add_argument("--subject", default="puente.v1.>", help="which events; * is one word, > is the rest")
    parser.add_argument("--since", help="begin so long ago (10m, 2h, 1d) or at an RFC 3339 time")
    parser.add_argument("--durable", help="name of a consumer that the broker remembers")
    parser.add_argument("--count", type=int, help="end after so many events")
    return asyncio.run(subscribe(parser.parse_args()))


if __name__ == "__main__":
    sys.exit(main())
