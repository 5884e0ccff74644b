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

/// A running `cargo lambda watch`, and the functions that take their invocations from it.
#[derive(Debug)]
pub struct Watch {
    processes: Vec<Child>,
    port: u16,
}

/// Seconds that it waits for an answer, which a function that has ended gives to nobody.
const PATIENCE: &str = "60";

impl Watch {
    /// Starts it, and the functions as they were built for the stack, with the environment of this process. By itself it
    /// would have cargo build them once more, since tests are built with other features.
    pub async fn start(functions: &[&str]) -> Result<Self> {
        let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port();
        let mut command = cargo_lambda("watch", port);
        command.args(["--only-lambda-apis", "--timeout", PATIENCE]);
        let mut watch = Self { processes: vec![logged(&mut command, "watch")?], port };
        until("cargo lambda watch", async || {
            Ok(TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok())
        })
        .await?;
        for function in functions {
            watch.processes.push(run(function, port)?);
        }
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
    /// Ends it and the functions.
    fn drop(&mut self) {
        for process in &mut self.processes {
            if process.kill().is_ok() {
                process.wait().ok();
            }
        }
    }
}

/// Runs a function as `cargo lambda watch` tells to.
fn run(function: &str, port: u16) -> Result<Child> {
    let tests = std::env::current_exe()?;
    let built = tests.parent().and_then(Path::parent).context("the folder of what is built")?;
    let mut command = Command::new(built.join(function));
    command
        .env("AWS_LAMBDA_FUNCTION_NAME", function)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "1")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512")
        .env("AWS_LAMBDA_RUNTIME_API", format!("http://127.0.0.1:{port}/.rt/{function}"));
    logged(&mut command, function)
}

/// Starts a program, whose words go to a file beside those of the stack.
fn logged(command: &mut Command, name: &str) -> Result<Child> {
    let log = root().join("target/local").join(local_name()?).join(format!("by-hand-{name}.log"));
    let log = File::create(&log).with_context(|| log.display().to_string())?;
    let started = command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn();
    started.with_context(|| format!("{}: cargo build --workspace", command.get_program().display()))
}

fn cargo_lambda(command: &str, port: u16) -> Command {
    let mut program = Command::new(root().join("target/local/env-deploy/bin/cargo-lambda"));
    program.args(["lambda", command, "--invoke-address", "127.0.0.1"]).current_dir(root());
    program.args(["--invoke-port", &port.to_string()]);
    program
}
