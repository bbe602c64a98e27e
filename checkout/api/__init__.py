"""Every wire dialect; besides project/ the only place that knows HTTP."""
