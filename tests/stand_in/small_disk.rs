//! A small disk that can be filled to the last byte.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::Command;

/// A small disk of its own; it is unmounted with this.
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    /// Mounts it at a folder that does not exist yet.
    pub fn mount(at: PathBuf) -> SmallDisk {
        fs::create_dir(&at).expect("a folder");
        let mut mount = Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=4m,mode=755", "tmpfs"])
            .arg(&at);
        let status = mount.status().expect("mount");
        assert!(
            status.success(),
            "a disk to be filled: run this test as root"
        );
        SmallDisk(at)
    }

    /// Fills it to the last byte.
    pub fn fill(&self) {
        let mut ballast = fs::File::create(self.0.join("ballast")).expect("a file");
        while ballast.write_all(&[1; 4096]).is_ok() {}
        while ballast.write_all(&[1]).is_ok() {}
    }

    /// Makes room again.
    pub fn clear(&self) {
        fs::remove_file(self.0.join("ballast")).expect("the ballast");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
