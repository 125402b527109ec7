"""The file that `distill-tui config init` writes: every setting a newcomer may want, commented out."""

TEMPLATE = """\
# distill-tui. Flags go over the environment, that over .env, that over this file.
# Check it: distill-tui config. Keys do not belong here; name the variable that holds one.

# supervisor = "big"        # a profile below, a model of base_url, "embedded", or "playbook"
# worker = "small"
# base_url = "http://127.0.0.1:8000/v1"
# home = "~/research"

# [models.big]
# model = "meta-llama/Llama-3.3-70B-Instruct-Turbo"
# base_url = "https://api.together.xyz/v1"
# api_key_env = "TOGETHER_API_KEY"
# temperature = 0.7
# max_tokens = 2048
# price_prompt = 0.88       # US dollars per million tokens; --max-cost needs them
# price_completion = 0.88

# [models.small]
# model = "Qwen/Qwen2.5-7B-Instruct"
# max_tokens = 512
# context_k = 32

# [limits]
# turns = 15
# worker_calls = 2000
# tokens = 2000000
# money = 5.0
# seconds = 3600

# [repl]
# cell_seconds = 60
# concurrency = 64

# [session]
# approve = "ask"           # ask, cheap, on-error, auto
# output_limit = 2000
# dialect = "distill"       # "rlm" for models trained on that scaffold
# primitives = []           # Python files whose functions the code may call, with your rights
# cache = true

# [screen]
# theme = "night"
# name = "ann"              # how decisions are signed
# alert = "bell"            # when a decision waits: bell, desktop, both, none

# [keys]                    # keys of your own; distill-tui config keys lists the actions
# decide.approve = "y"
# session.stop = ["X", "ctrl+x"]

# [annotation]
# labels = ["correct", "wrong", "unsupported"]
# rubric = "~/research/rubric.toml"
# definitions.unsupported = "The document does not say what it claims."
"""
