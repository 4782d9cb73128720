"""The denoiser network (paper §4.2 and Appendix C; METHOD.md §4). Knows nothing of files, data or the training loop."""
