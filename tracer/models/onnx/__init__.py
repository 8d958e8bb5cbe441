"""Readers of ONNX files as networks."""
