//! What the functions logged.

use std::path::Path;

use anyhow::{Result, ensure};
use tokio::process::Command;

use crate::Stack;

impl Stack {
    /// Everything that the functions of the stack have logged, as `local/aws logs` shows it.
    pub async fn logs(&self) -> Result<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let python = root.join("target/local/env-emulator/bin/python");
        let mut command = Command::new(python);
        command.args(["-m", "stack.cloud", "logs"]).current_dir(root.join("local"));
        let told = command.output().await?;
        ensure!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
        Ok(String::from_utf8_lossy(&told.stdout).into_owned())
    }
}
