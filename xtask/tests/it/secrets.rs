//! Planted secrets are found, and what is none is let be.

use std::fs;

use xtask::secrets::scan;
use xtask::tree;

const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Letters and digits that look like chance, the same at every run: made here, or the scanner would find this file.
struct Chance(u64);

impl Chance {
    fn letters(&mut self, count: usize) -> String {
        (0..count).map(|_| self.one(0, 62)).collect()
    }

    fn capitals(&mut self, count: usize) -> String {
        (0..count).map(|_| self.one(0, 26)).collect()
    }

    fn digits(&mut self, count: usize) -> String {
        (0..count).map(|_| self.one(52, 10)).collect()
    }

    fn one(&mut self, from: usize, among: usize) -> char {
        char::from(*LETTERS.get(from + self.next() % among).unwrap())
    }

    fn next(&mut self) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap()
    }
}

#[test]
fn every_planted_secret_is_found_where_it_stands() {
    let mut chance = Chance(7);
    let key = |body: &str| format!("-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n");
    let planted = [
        ("key.pem", key(&chance.letters(1_600))),
        (
            "github.rs",
            format!("const T: &str = \"ghp_{}\";\n", chance.letters(36)),
        ),
        (
            "stripe.toml",
            format!("key = \"sk_live_{}\"\n", chance.letters(24)),
        ),
        (
            "slack.md",
            format!(
                "xoxb-{}-{}-{}\n",
                chance.digits(12),
                chance.digits(12),
                chance.letters(24)
            ),
        ),
        (
            "mail.py",
            format!("k = 'SG.{}.{}'\n", chance.letters(22), chance.letters(43)),
        ),
        (
            "blobs.yaml",
            format!("c: AccountName=acme;AccountKey={}==;\n", chance.letters(86)),
        ),
        (
            "cloud.sh",
            format!(
                "id=AKIA{}\naws_secret_access_key={}\n",
                chance.capitals(16),
                chance.letters(40)
            ),
        ),
        (
            "meta.json",
            format!("{{\"t\": \"EAA{}\"}}\n", chance.letters(180)),
        ),
        (
            "master.toml",
            format!("master_key = \"{}=\"\n", chance.letters(43)),
        ),
        (".env", format!("JELOU_PASSWORD={}\n", chance.letters(32))),
    ];
    let folder = std::env::temp_dir().join(format!("puente-planted-{}", std::process::id()));
    fs::create_dir_all(&folder).unwrap();
    let harmless =
        "password = \"demo\"\n# the token is sealed\nsha256 = \"0000000000000000000000000000000000\"\n";
    fs::write(folder.join("harmless.toml"), harmless).unwrap();
    for (name, text) in &planted {
        fs::write(folder.join(name), text).unwrap();
    }
    let mut names: Vec<String> = planted.iter().map(|(name, _)| (*name).to_owned()).collect();
    names.push("harmless.toml".to_owned());
    let found = scan(&tree::root().unwrap(), &folder, &names);
    fs::remove_dir_all(&folder).unwrap();
    let mut at: Vec<String> = found.unwrap().into_iter().map(|found| found.path).collect();
    at.sort();
    at.dedup();
    names.pop();
    names.sort();
    assert_eq!(at, names);
}
