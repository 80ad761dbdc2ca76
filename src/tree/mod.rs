//! The local file tree: canonical paths and file versions.
