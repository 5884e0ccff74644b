//! Rules of the repository that no compiler holds.
#![expect(clippy::unwrap_used, clippy::panic, reason = "this file is a test as a whole")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Every file below `folder` with one of the endings.
fn files(folder: &Path, endings: &[&str]) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if endings.iter().any(|ending| path.to_string_lossy().ends_with(ending)) {
                found.push(path);
            }
        }
    }
    found
}

/// The words of a text that begin with `HEADWATER_`.
fn variables(text: &str) -> BTreeSet<&str> {
    text.split(|c: char| !(c.is_ascii_uppercase() || c == '_'))
        .filter(|word| word.starts_with("HEADWATER_"))
        .collect()
}

#[test]
fn the_template_sets_the_variables_that_a_function_reads_and_no_others() {
    let template = read(&root().join("template.yaml"));
    let globals = between(&template, "\nGlobals:", "\nResources:");
    let telemetry = read(&root().join("shared/aws/src/telemetry.rs"));
    let enrolment = read(&root().join("shared/aws/src/enrolment.rs"));
    let check = |function: &str, resource: &str, enrols: bool| {
        let config = read(&root().join(format!("functions/{function}/src/config.rs")));
        let mut read = variables(&config);
        read.extend(variables(&telemetry));
        if enrols {
            read.extend(variables(&enrolment));
        }
        let own = between(&template, &format!("\n  {resource}:"), "\n\n");
        let set = &variables(globals) | &variables(own);
        assert_eq!(read, set, "{function}");
    };
    check("import", "ImportFunction", true);
    check("stream", "StreamFunction", false);
    check("backup", "BackupFunction", true);
    check("compaction", "CompactionFunction", false);
    check("snapshot", "SnapshotFunction", false);
}

#[test]
fn every_parameter_of_the_template_has_its_group_and_label() {
    let template = read(&root().join("template.yaml"));
    let names = |text: &str, indent: &str| -> BTreeSet<String> {
        let name = |line: &str| {
            let (name, _) = line.strip_prefix(indent)?.split_once(':')?;
            name.starts_with(|c: char| c.is_ascii_uppercase()).then(|| name.to_owned())
        };
        text.lines().filter_map(name).collect()
    };
    let parameters = names(between(&template, "\nParameters:", "\nConditions:"), "  ");
    let interface = between(&template, "\nMetadata:", "\nParameters:");
    let labels = between(interface, "ParameterLabels:", "\nParameters:");
    assert_eq!(names(labels, "      "), parameters, "labels");
    let grouped: Vec<String> = interface
        .lines()
        .filter_map(|line| line.trim().strip_prefix("Parameters: ["))
        .flat_map(|list| list.trim_end_matches(']').split(", ").map(str::to_owned))
        .collect();
    assert_eq!(grouped.len(), parameters.len(), "a parameter stands in two groups: {grouped:?}");
    assert_eq!(grouped.into_iter().collect::<BTreeSet<_>>(), parameters, "groups");
}

/// The template's resources of a type: name and text.
fn resources<'t>(template: &'t str, of_type: &str) -> Vec<(&'t str, &'t str)> {
    let resources = between(template, "\nResources:", "\nOutputs:");
    let found =
        resources.split("\n\n").filter(|text| text.contains(&format!("    Type: {of_type}\n")));
    let named = found.map(|text| {
        let text = text.rsplit_once("\n  # ").map_or(text, |(_, rest)| rest);
        let name = text.lines().find_map(|line| line.strip_prefix("  ")?.strip_suffix(':'));
        (name.unwrap_or_else(|| panic!("a resource has a name: {text}")), text)
    });
    named.collect()
}

#[test]
fn every_alarm_is_told_to_somebody_and_of() {
    let template = read(&root().join("template.yaml"));
    let told = read(&root().join("docs/operations.md"));
    let mut code = String::new();
    for folder in ["functions", "shared/aws/src"] {
        for file in files(&root().join(folder), &[".rs"]) {
            code += &read(&file);
        }
    }
    let alarms = resources(&template, "AWS::CloudWatch::Alarm");
    assert_eq!(alarms.len(), template.matches("Type: AWS::CloudWatch::Alarm\n").count());
    for (name, alarm) in &alarms {
        assert!(
            alarm.contains("\n      AlarmActions: [!Ref Alarms]\n"),
            "{name} is told to nobody"
        );
        assert!(told.contains(&format!("`{name}`")), "{name} is not in docs/operations.md");
        let metric = between(alarm, "MetricName: ", "\n");
        if alarm.contains("Namespace: Headwater\n") {
            assert!(code.contains(&format!("\"{metric}\"")), "{name}: no code writes {metric}");
        }
    }
    for function in ["Import", "Stream", "Backup", "Compaction", "Snapshot"] {
        for kind in ["Errors", "Throttles"] {
            let name = format!("{function}{kind}Alarm");
            assert!(alarms.iter().any(|(alarm, _)| *alarm == name), "there is no {name}");
        }
    }
}

#[test]
fn the_dashboard_is_json() {
    let template = read(&root().join("template.yaml"));
    let body = between(&template, "DashboardBody: !Sub |\n", "\nOutputs:");
    let filled: String = body
        .split("${")
        .enumerate()
        .map(|(at, part)| if at == 0 { part } else { between(part, "}", "\0") })
        .collect();
    let dashboard: serde_json::Value = serde_json::from_str(&filled).unwrap();
    assert!(dashboard["widgets"].as_array().is_some_and(|widgets| !widgets.is_empty()));
}

/// A file that is open to everybody, or read without TLS, is one policy away.
#[test]
fn every_bucket_is_closed_and_takes_tls_only() {
    let template = read(&root().join("template.yaml"));
    let policies = resources(&template, "AWS::S3::BucketPolicy");
    let buckets = resources(&template, "AWS::S3::Bucket");
    assert_eq!(buckets.len(), 3);
    for (name, bucket) in buckets {
        for closed in
            ["BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets"]
        {
            assert!(bucket.contains(&format!("{closed}: true")), "{name}: {closed}");
        }
        for kept in ["DeletionPolicy", "UpdateReplacePolicy"] {
            assert!(bucket.contains(&format!("\n    {kept}: Retain\n")), "{name}: {kept}");
        }
        let of_bucket = policies
            .iter()
            .find(|(_, policy)| policy.contains(&format!("      Bucket: !Ref {name}\n")));
        let is_tls_only = of_bucket
            .is_some_and(|(_, policy)| policy.contains(r#"Bool: {"aws:SecureTransport": false}"#));
        assert!(is_tls_only, "{name} has a policy that wants TLS");
    }
}

fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    let (_, rest) = text.split_once(start).unwrap_or_else(|| panic!("no {start:?}"));
    rest.split_once(end).map_or(rest, |(inside, _)| inside)
}

#[test]
fn every_sample_event_is_used_by_a_test_and_told_of() {
    let told = read(&root().join("events/README.md"));
    let mut tests = String::new();
    for folder in ["functions", "shared", "tests"] {
        for file in files(&root().join(folder), &[".rs"]) {
            tests += &read(&file);
        }
    }
    for event in files(&root().join("events"), &[".json"]) {
        let name = event.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        assert!(told.contains(&format!("`{name}.json`")), "{name} is not in events/README.md");
        let used = [format!("\"{name}\""), format!("/{name}.json\"")];
        let is_used = used.iter().any(|text| tests.contains(text));
        assert!(is_used, "{name} is used by no test");
    }
}

/// The profile that a manifest sets for what is released.
fn release(manifest: &str) -> BTreeSet<String> {
    let text = read(&root().join(manifest));
    let (_, profile) = text.split_once("\n[profile.release]\n").unwrap();
    profile.lines().take_while(|line| line.contains('=')).map(str::to_owned).collect()
}

/// The packages that a manifest has compiled in another way, and in which.
fn packages(manifest: &str) -> BTreeMap<String, String> {
    let text = read(&root().join(manifest));
    let (_, packages) = text.split_once("\n[profile.release.package]\n").unwrap();
    let entries = packages.lines().filter_map(|line| line.split_once(" = "));
    entries.map(|(name, how)| (name.to_owned(), how.to_owned())).collect()
}

#[test]
fn peers_are_built_as_headwater_is() {
    let ours = release("Cargo.toml");
    assert_eq!(ours.len(), 5, "{ours:?}");
    let small = packages("Cargo.toml");
    for peer in ["bench/empty-function", "bench/peers-rust"] {
        let manifest = format!("{peer}/Cargo.toml");
        assert_eq!(release(&manifest), ours, "{peer}");
        let locked = read(&root().join(peer).join("Cargo.lock"));
        let mut expected = small.clone();
        expected.retain(|name, _| locked.contains(&format!("\nname = \"{name}\"\n")));
        assert!(!expected.is_empty());
        assert_eq!(packages(&manifest), expected, "{peer}");
    }
}

/// Cargo strips a package with a profile of its own of debug information alone: its symbols take 2 to 3 MB.
#[test]
fn no_function_has_a_profile_of_its_own() {
    let listed = packages("Cargo.toml");
    for function in ["import", "stream", "backup", "compaction", "snapshot"] {
        assert!(!listed.contains_key(function), "{function}");
    }
}

#[test]
fn files_are_short_enough_to_be_read() {
    for folder in ["functions", "shared", "tests", "local"] {
        for file in files(&root().join(folder), &[".rs", ".py"]) {
            let lines = read(&file).lines().count();
            assert!(lines <= 600, "{} has {lines} lines, more than 600", file.display());
        }
    }
}

#[test]
fn a_main_only_wires() {
    for function in ["import", "stream", "backup", "compaction", "snapshot"] {
        let main = read(&root().join(format!("functions/{function}/src/main.rs")));
        let lines = main.lines().count();
        assert!(lines <= 40, "{function}: main.rs has {lines} lines");
    }
}

/// A document without its blocks of code.
fn without_code(document: &str) -> String {
    document.split("```").step_by(2).collect()
}

#[test]
fn links_in_documents_lead_somewhere() {
    let mut documents = files(&root().join("docs"), &[".md"]);
    for file in
        ["README.md", "CONTRIBUTING.md", "CHANGELOG.md", "events/README.md", "local/README.md"]
    {
        documents.push(root().join(file));
    }
    for document in documents {
        let text = without_code(&read(&document));
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let path = link.split('#').next().unwrap_or_default();
            if path.is_empty() || path.contains("://") {
                continue;
            }
            let target = document.parent().unwrap().join(path);
            assert!(target.exists(), "{} links to {link}", document.display());
        }
    }
}

#[test]
fn make_targets_in_documents_exist() {
    let makefile = read(&root().join("Makefile"));
    for document in ["README.md", "CONTRIBUTING.md"] {
        let text = read(&root().join(document));
        let commands = text.lines().filter_map(|line| line.strip_prefix("$ make "));
        for target in commands.flat_map(|command| {
            command.split('#').next().unwrap_or_default().split_whitespace().collect::<Vec<_>>()
        }) {
            assert!(makefile.contains(&format!("\n{target}:")), "{document}: make {target}");
        }
    }
}
