"""Models: who answers. `ModelHandler` is the protocol, a file here is one way to keep it.

- `base`: the protocol, replies, usage
- `openai`: endpoints that speak OpenAI's chat completions (`credentials`: which key goes where)
- `vllm`: vLLM in this process or as a child server
- `local`, `weights`: the embedded model and its weights
- `recorded`: replies replayed; `cache`: replies kept on disk

Import from the file that has what you need, or from `distill_core`; nothing heavy is imported here.
"""
