package doctor

import (
	"github.com/fairlead-gateway/fairlead/internal/config"
)

// examineConfig repeats what the configuration's report says, and adds what matters
// to clients.
func (x *examination) examineConfig() {
	notes := 0
	for i := range x.Report.Findings {
		f := &x.Report.Findings[i]
		switch f.Severity {
		case config.Error:
			x.config(Error, f.Key, f.Pos.String(), f.Message, f.Remedy)
		case config.Warning:
			x.config(Warning, f.Key, f.Pos.String(), f.Message, f.Remedy)
		default:
			notes++
		}
	}
	if x.Config == nil {
		return
	}
	x.dropParams()
	x.absentModels()
	x.masterKey()
	if notes > 0 {
		x.config(Note, "keys", "", plural(notes, "further note")+" on keys of the configuration.", "fairlead check lists them.")
	}
}

func (x *examination) config(s Severity, subject, place, effect, remedy string) {
	x.add(Finding{s, GroupConfig, subject, place, effect, remedy})
}

// dropParams: clients of many models send parameters that some do not know.
func (x *examination) dropParams() {
	const subject, remedy = "litellm_settings.drop_params", "Write, below litellm_settings:, drop_params: true"
	switch drop := x.Config.Defaults.DropParams; {
	case x.Config.Path == "":
	case drop == nil:
		x.config(Warning, subject, x.Config.Path, "It is not set: a parameter that a model does not support is answered 400 instead of being left out.", remedy)
	case !*drop:
		x.config(Warning, subject, x.Config.Path, "It is false: a parameter that a model does not support is answered 400 instead of being left out.", remedy)
	default:
		x.config(Good, subject, "", "Parameters that a model does not support are left out and reported.", "")
	}
}

// absentModels warns of deployments that can only fail.
func (x *examination) absentModels() {
	for i := range x.Config.Deployments {
		if d := &x.Config.Deployments[i]; noSuchModel(d) {
			x.config(Warning, "model_list: "+d.ModelName, d.Pos.String(), absent(d), r1Remedy)
		}
	}
}

// masterKey says who may call the gateway.
func (x *examination) masterKey() {
	const subject = "general_settings.master_key"
	switch {
	case x.Config.Protected():
		x.config(Good, subject, "", "Clients need the master key.", "")
	case x.Config.General.MasterKey.IsSet():
		x.config(Warning, subject, "", "It is sk-1234, the key of every tutorial. Clients must send it, but it protects nothing: the gateway listens on this machine only.", "Choose a key of your own.")
	case x.System.InContainer():
		x.config(Warning, subject, "", "There is none, so the gateway listens on loopback only; inside a container nobody outside can reach it.", "Set LITELLM_MASTER_KEY: docker run -e LITELLM_MASTER_KEY=… -p 4000:4000 …")
	default:
		x.config(Good, subject, "", "There is none: the gateway listens on this machine only and takes any key.", "")
	}
}
