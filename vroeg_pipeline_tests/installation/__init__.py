"""Tests of `vroeg_pipeline.installation`."""
