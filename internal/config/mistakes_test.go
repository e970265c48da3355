package config

import "testing"

func TestTextThatLooksLikeAVariableIsNamed(t *testing.T) {
	for _, text := range []string{"$OPENAI_KEY", "%OPENAI_KEY%", "env:OPENAI_KEY", "env/OPENAI_KEY", "os.environ.OPENAI_KEY", `os.environ['OPENAI_KEY']`, "process.env.OPENAI_KEY", "{{ OPENAI_KEY }}"} {
		cfg, report := usable(t, "model_list:\n  - model_name: a\n    litellm_params: {model: openai/gpt-4o, api_key: \""+text+"\"}\n", env("OPENAI_KEY", "k-0000000001"))
		if one(t, cfg).APIKey.Reveal() != text {
			t.Errorf("%s is not used as it stands", text)
		}
		at(t, says(t, report, Warning, "This looks like the name of a variable", "os.environ/NAME"), 3, 53)
	}
	_, report := usable(t, "model_list:\n  - model_name: a\n    litellm_params: {model: openai/gpt-4o, api_key: \"os.environ/\"}\n", nil)
	says(t, report, Warning, "os.environ/ names no variable here", "Write os.environ/NAME.")
	_, report = usable(t, gpt("general_settings: {master_key: 'pa$$word-e{x}%'}\n"), nil)
	silent(t, report, "looks like")
}

func TestFallbackOfTheWrongShapeIsToldOnce(t *testing.T) {
	_, report := usable(t, gpt("router_settings: {content_policy_fallbacks: \"gpt: other\"}\n"), nil)
	says(t, report, Warning, "A fallback must be a map of a group to a list")
	silent(t, report, "fallback target")
}

func TestFallbackOfAGroupThatDoesNotExistIsNamed(t *testing.T) {
	_, report := usable(t, gpt("router_settings: {fallbacks: [{gtp: [gpt]}, {\"*\": [gpt]}]}\n"), nil)
	at(t, says(t, report, Warning, `"gtp" has a fallback but is not in model_list`, "Did you mean gpt?"), 6, 32)
	silent(t, report, `"*" has`)
}

func TestPathOfACallIsLeftOutOfTheBase(t *testing.T) {
	cfg, report := usable(t, gpt("      api_base: https://api.example/v1/chat/completions/\n"), nil)
	if d := one(t, cfg); d.APIBase != "https://api.example/v1" {
		t.Errorf("api_base %s", d.APIBase)
	}
	at(t, says(t, report, Note, "`/chat/completions` is left out of the base"), 6, 17)
}

func TestEnvironmentVariablesOfTheWrongKindAreNamed(t *testing.T) {
	_, report := usable(t, gpt("environment_variables: [A=b]\n"), nil)
	says(t, report, Warning, "`environment_variables` must be a map of names to values; a list is ignored.")
	_, report = usable(t, gpt("environment_variables: {A: [b]}\n"), nil)
	says(t, report, Warning, "`A` must be text; a list is ignored.")
}

func TestColonWithoutASpaceIsNamed(t *testing.T) {
	_, report := loadText(t, "model_list:\n  - model_name: a\n    litellm_params:\n      model: openai/gpt-4o\n      api_key:sk-0123456789\n      api_base: http://x\n", nil)
	at(t, says(t, report, Error, "not valid YAML", "Put a space after the colon of `api_key`."), 5, 7)
}

func TestSecondDeploymentOfAnIDIsNamed(t *testing.T) {
	entry := "  - {model_name: a, litellm_params: {model: openai/gpt-4o, api_key: k}, model_info: {id: same}}\n"
	cfg, report := usable(t, "model_list:\n"+entry+entry, nil)
	if cfg.Deployments[0].ID != "same" || cfg.Deployments[1].ID != "same-2" {
		t.Errorf("%q %q", cfg.Deployments[0].ID, cfg.Deployments[1].ID)
	}
	at(t, says(t, report, Warning, `The id "same" is another deployment's already; this one is called same-2.`), 3, 90)
}

func TestIncludedFileThatIsAbsentIsOneMistake(t *testing.T) {
	_, report := usable(t, gpt("include: [more.yaml]\n"), nil)
	at(t, says(t, report, Error, "The included file more.yaml is not used: it does not exist.", "relative to the file"), 6, 11)
	silent(t, report, "cannot be read")
}
