//! Functions that are run by hand: `cargo lambda watch` and `cargo lambda invoke`.

use std::{
    fs::File,
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::{
    stack::{local_name, root},
    until,
};

/// A running `cargo lambda watch`, with the environment of this process.
#[derive(Debug)]
pub struct Watch {
    process: Child,
    port: u16,
}

impl Watch {
    /// Starts it. A function is built when it is called first, by `cargo run` in the repository's root, which is to say
    /// with the features of the whole workspace: nothing is built that was built before.
    pub async fn start() -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let log = root().join("target/local").join(local_name()?).join("watch.log");
        let log = File::create(&log).with_context(|| log.display().to_string())?;
        let mut command = cargo_lambda("watch", port);
        command.args(["--ignore-changes", "--locked"]).stdin(Stdio::null());
        let process = command.stdout(log.try_clone()?).stderr(log).spawn()?;
        let watch = Self { process, port };
        until("cargo lambda watch", async || {
            Ok(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok())
        })
        .await?;
        Ok(watch)
    }

    /// Sends what a file holds and gives the answer; if the function failed, what it said.
    pub fn invoke(&self, function: &str, file: &Path) -> Result<Result<Value, String>> {
        let mut command = cargo_lambda("invoke", self.port);
        let called = command.arg(function).arg("--data-file").arg(file).output()?;
        if !called.status.success() {
            return Ok(Err(String::from_utf8(called.stderr)?));
        }
        let said = String::from_utf8(called.stdout)?;
        serde_json::from_str(&said).map(Ok).with_context(|| format!("{}: {said}", file.display()))
    }
}

impl Drop for Watch {
    /// Ends it, and it ends the functions.
    fn drop(&mut self) {
        let killed = Command::new("kill").arg(self.process.id().to_string()).status();
        if killed.is_ok_and(|killed| killed.success()) {
            self.process.wait().ok();
        }
    }
}

fn cargo_lambda(command: &str, port: u16) -> Command {
    let mut program = Command::new(root().join("target/local/env-deploy/bin/cargo-lambda"));
    program.args(["lambda", command, "--invoke-address", "127.0.0.1"]).current_dir(root());
    program.args(["--invoke-port", &port.to_string()]);
    program
}
