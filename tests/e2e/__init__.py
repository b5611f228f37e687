"""End-to-end tests: real processes on loopback, judged only from outside (HTTP, webhooks, files).

Environment: AMFAST_E2E_REFERENCE=1 runs every scenario on Go nodes alone too, AMFAST_E2E_GO names another Go
binary than the installed one, AMFAST_E2E_SEED repeats a run of the hostile bytes.
"""
