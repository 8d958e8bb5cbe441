"""Readers of Keras models, from files and from memory."""
