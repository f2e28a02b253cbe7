//! Files and URLs to evidence: the only place that opens inputs.
