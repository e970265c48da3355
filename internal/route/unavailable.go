package route

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"time"

	"github.com/fairlead-gateway/fairlead/internal/llm"
)

// bars are the reasons for which deployments were left out of a choice.
type bars uint8

const (
	barCooling bars = 1 << iota
	barFull
	barLimit
	barWindow
	barTags
	barBudget
	barRegion
)

// has reports whether one of the reasons is among them.
func (b bars) has(reasons bars) bool { return b&reasons != 0 }

// decision is what the trace says of one reason.
func (b bars) decision() string {
	switch b {
	case barFull:
		return DecisionFull
	case barLimit:
		return DecisionLimit
	case barWindow:
		return DecisionWindow
	case barTags:
		return DecisionTags
	case barBudget:
		return DecisionBudget
	case barRegion:
		return DecisionRegion
	}
	return DecisionCooling
}

// unavailable is the error of a group with no deployment for the request: of its
// limits, which end soon; of the request's size or tags, which do not; else of
// deployments that all rest.
func (p *Plan) unavailable(now time.Time) *llm.Error {
	switch {
	case p.barred.has(barLimit):
		return p.overLimit(now)
	case p.barred.has(barFull):
		return p.busy()
	case p.barred.has(barCooling):
		return p.allCooling(now)
	case p.barred.has(barBudget):
		return p.spentError(now)
	case p.barred.has(barWindow):
		return p.tooLarge()
	case p.barred.has(barTags):
		return p.tagsRefused()
	}
	return p.nowhere()
}

func (p *Plan) overLimit(now time.Time) *llm.Error {
	return throttled(time.Duration(60-now.Unix()%60)*time.Second, fmt.Sprintf(
		"Every deployment that could answer has used up its rpm or tpm of this minute. Passed model=%s", clip(p.group)))
}

func throttled(wait time.Duration, why string) *llm.Error {
	return &llm.Error{
		Kind: llm.KindRateLimit, Status: http.StatusTooManyRequests, Type: "throttling_error", Code: "429", RetryAfter: wait,
		Message: fmt.Sprintf("No deployments available for selected model, Try again in %d seconds. %s", int(wait.Seconds()), why),
	}
}

func (p *Plan) tooLarge() *llm.Error {
	largest := int64(0)
	for _, m := range p.hop.members {
		largest = max(largest, m.MaxInput)
	}
	e := llm.BadRequest("messages", fmt.Sprintf(
		"litellm.ContextWindowExceededError: The request has about %d input tokens, and the largest context window of model=%s is %d tokens. Shorten it, or ask a model with a larger one.",
		p.estimate(), clip(p.group), largest))
	e.Kind = llm.KindContextWindow
	return e
}

func (p *Plan) tagsRefused() *llm.Error {
	where := ""
	if p.over.Region != "" {
		where = fmt.Sprintf(" in the region %q", clip(p.over.Region))
	}
	return llm.BadRequest("tags", fmt.Sprintf(
		"Not allowed to access model due to tags configuration: no deployment of model=%s%s fits tags=%s.", clip(p.group), where, clip(fmt.Sprint(p.over.Tags))))
}

// nowhere is the error of a group with no deployment where the request may go.
func (p *Plan) nowhere() *llm.Error {
	return llm.BadRequest("allowed_model_region", fmt.Sprintf(
		"No deployment of model=%s is in the region %q that the request allows. Ask another model, or have the operator set region_name at a deployment of it.", clip(p.group), clip(p.over.Region)))
}

// allCooling is the error of a group in which those that could answer rest.
func (p *Plan) allCooling(now time.Time) *llm.Error {
	var wait time.Duration
	ids := make([]string, 0, len(p.hop.members))
	for _, m := range p.hop.members {
		if !m.health.cooling(now) {
			continue
		}
		left := m.health.askedAgain().Sub(now)
		if len(ids) == 0 || left < wait {
			wait = left
		}
		if len(ids) < 20 {
			ids = append(ids, "'"+m.ID+"'")
		}
	}
	seconds := max(1, int(math.Ceil(wait.Seconds())))
	return &llm.Error{
		Kind: llm.KindCooldown, Status: http.StatusTooManyRequests, Type: "all_deployments_in_cooldown", Code: "429",
		RetryAfter: time.Duration(seconds) * time.Second,
		Message: fmt.Sprintf("No deployments available for selected model, Try again in %d seconds. All deployments for selected model are in cooldown. Passed model=%s. cooldown_list=[%s]",
			seconds, clip(p.group), strings.Join(ids, ", ")),
	}
}
