//! Every error code that Meta documents, and what it means for us.

use puente_providers::find;

/// What the code table of `provider.toml` must say, whatever the order of its rules.
const MEANINGS: &[(&str, &[&str])] = &[
    ("auth", &["0", "190", "3", "10", "200-299", "131005"]),
    ("unavailable", &["2", "131000", "131016", "131057"]),
    (
        "rate_limited",
        &[
            "4", "17", "80007", "130429", "131056", "131048", "131049", "131064", "133016", "132069",
        ],
    ),
    (
        "configuration",
        &[
            "131063", "131030", "131031", "368", "130497", "131037", "131042", "131044", "131045", "132001",
            "132015", "132016", "132068",
        ],
    ),
    (
        "rejected",
        &[
            "131047", "131026", "130472", "131050", "131051", "131062", "131008", "131009", "100", "131021",
            "131052", "131053", "132000", "132005", "132007", "132008", "132012", "135000", "137000",
        ],
    ),
];

#[test]
fn every_documented_code_of_the_cloud_api_has_its_meaning_at_any_status() {
    let manifest = find("whatsapp_cloud").unwrap().manifest();
    let mut listed = 0;
    for (kind, codes) in MEANINGS {
        for code in *codes {
            for status in [400, 401, 403, 404, 429, 500, 503] {
                let rule = manifest.errors.iter().find(|rule| rule.fits(status, Some(code)));
                assert_eq!(
                    rule.map(|rule| rule.kind.as_str()),
                    Some(*kind),
                    "{code} at {status}"
                );
            }
            listed += 1;
        }
    }
    let in_the_table: usize = manifest
        .errors
        .iter()
        .map(|rule| rule.codes.iter().filter(|c| *c != "other").count())
        .sum();
    assert_eq!(listed, in_the_table, "a code of the table is missing here");
}
