"""Requests over the web for channels and actions: to addresses that were judged, bounded in time, nothing followed."""
