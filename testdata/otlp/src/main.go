// Writes a profile of pprof as OpenTelemetry's collector would: protobuf, JSON, and protobuf after its length.
//
// usage: otlpwrite IN.pprof PROGRAM OUT
package main

import (
	"encoding/binary"
	"log"
	"os"

	"github.com/google/pprof/profile"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/pprofile"
)

// dictionary fills the tables that samples refer to.
type dictionary struct {
	to        pprofile.ProfilesDictionary
	strings   map[string]int32
	locations map[*profile.Location]int32
	functions map[*profile.Function]int32
	mappings  map[*profile.Mapping]int32
}

func newDictionary(to pprofile.ProfilesDictionary) *dictionary {
	to.MappingTable().AppendEmpty()
	to.LocationTable().AppendEmpty()
	to.FunctionTable().AppendEmpty()
	to.LinkTable().AppendEmpty()
	to.AttributeTable().AppendEmpty()
	to.StackTable().AppendEmpty()
	to.StringTable().Append("")
	return &dictionary{to, map[string]int32{"": 0}, map[*profile.Location]int32{}, map[*profile.Function]int32{},
		map[*profile.Mapping]int32{}}
}

func (d *dictionary) str(text string) int32 {
	if at, ok := d.strings[text]; ok {
		return at
	}
	at := int32(d.to.StringTable().Len())
	d.to.StringTable().Append(text)
	d.strings[text] = at
	return at
}

// attribute adds one and says where.
func (d *dictionary) attribute(key string, set func(pcommon.Value), unit string) int32 {
	at := int32(d.to.AttributeTable().Len())
	of := d.to.AttributeTable().AppendEmpty()
	of.SetKeyStrindex(d.str(key))
	of.SetUnitStrindex(d.str(unit))
	set(of.Value())
	return at
}

func (d *dictionary) mapping(m *profile.Mapping) int32 {
	if m == nil {
		return 0
	}
	if at, ok := d.mappings[m]; ok {
		return at
	}
	at := int32(d.to.MappingTable().Len())
	of := d.to.MappingTable().AppendEmpty()
	of.SetMemoryStart(m.Start)
	of.SetMemoryLimit(m.Limit)
	of.SetFileOffset(m.Offset)
	of.SetFilenameStrindex(d.str(m.File))
	if m.BuildID != "" {
		id := d.attribute("process.executable.build_id.gnu", func(v pcommon.Value) { v.SetStr(m.BuildID) }, "")
		of.AttributeIndices().Append(id)
	}
	d.mappings[m] = at
	return at
}

func (d *dictionary) function(f *profile.Function) int32 {
	if f == nil {
		return 0
	}
	if at, ok := d.functions[f]; ok {
		return at
	}
	at := int32(d.to.FunctionTable().Len())
	of := d.to.FunctionTable().AppendEmpty()
	of.SetNameStrindex(d.str(f.Name))
	of.SetSystemNameStrindex(d.str(f.SystemName))
	of.SetFilenameStrindex(d.str(f.Filename))
	of.SetStartLine(f.StartLine)
	d.functions[f] = at
	return at
}

func (d *dictionary) location(l *profile.Location) int32 {
	if at, ok := d.locations[l]; ok {
		return at
	}
	at := int32(d.to.LocationTable().Len())
	d.to.LocationTable().AppendEmpty()
	d.locations[l] = at
	mapping := d.mapping(l.Mapping)
	of := d.to.LocationTable().At(int(at))
	of.SetMappingIndex(mapping)
	of.SetAddress(l.Address)
	for _, line := range l.Line {
		to := of.Lines().AppendEmpty()
		to.SetFunctionIndex(d.function(line.Function))
		to.SetLine(line.Line)
		to.SetColumn(line.Column)
	}
	return at
}

func (d *dictionary) stack(s *profile.Sample) int32 {
	at := int32(d.to.StackTable().Len())
	of := d.to.StackTable().AppendEmpty()
	for _, location := range s.Location {
		of.LocationIndices().Append(d.location(location))
	}
	return at
}

func main() {
	log.SetFlags(0)
	if len(os.Args) != 4 {
		log.Fatal("usage: otlpwrite IN.pprof PROGRAM OUT")
	}
	in, err := os.Open(os.Args[1])
	check(err)
	from, err := profile.Parse(in)
	check(err)
	profiles := pprofile.NewProfiles()
	d := newDictionary(profiles.Dictionary())
	resource := profiles.ResourceProfiles().AppendEmpty()
	resource.Resource().Attributes().PutStr("process.executable.name", os.Args[2])
	scope := resource.ScopeProfiles().AppendEmpty()
	stacks := map[*profile.Sample]int32{}
	for column, of := range from.SampleType {
		to := scope.Profiles().AppendEmpty()
		to.SampleType().SetTypeStrindex(d.str(of.Type))
		to.SampleType().SetUnitStrindex(d.str(of.Unit))
		to.SetTime(pcommon.Timestamp(from.TimeNanos))
		to.SetDurationNano(uint64(from.DurationNanos))
		if from.PeriodType != nil {
			to.PeriodType().SetTypeStrindex(d.str(from.PeriodType.Type))
			to.PeriodType().SetUnitStrindex(d.str(from.PeriodType.Unit))
		}
		to.SetPeriod(from.Period)
		for _, sample := range from.Sample {
			if _, ok := stacks[sample]; !ok {
				stacks[sample] = d.stack(sample)
			}
			of := to.Samples().AppendEmpty()
			of.SetStackIndex(stacks[sample])
			of.Values().Append(sample.Value[column])
			for key, values := range sample.NumLabel {
				of.AttributeIndices().Append(d.attribute(key, func(v pcommon.Value) { v.SetInt(values[0]) }, "By"))
			}
		}
	}
	proto, err := (&pprofile.ProtoMarshaler{}).MarshalProfiles(profiles)
	check(err)
	check(os.WriteFile(os.Args[3]+".pb", proto, 0o644))
	framed := append(binary.BigEndian.AppendUint32(nil, uint32(len(proto))), proto...)
	check(os.WriteFile(os.Args[3]+".framed", framed, 0o644))
	json, err := (&pprofile.JSONMarshaler{}).MarshalProfiles(profiles)
	check(err)
	check(os.WriteFile(os.Args[3]+".json", append(json, '\n'), 0o644))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
