// Packets of 20,000 connections in turns, put together to streams by gopacket's tcpassembly. A connection is found by
// its two flows, an array of two structs of 56 bytes.
package main

import (
	"fmt"
	"net"
	"time"

	"example.com/profiles"
	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/tcpassembly"
)

const connections = 20_000

type bytesSeen struct{ bytes int }

func (b *bytesSeen) New(_, _ gopacket.Flow) tcpassembly.Stream { return b }

func (b *bytesSeen) Reassembled(parts []tcpassembly.Reassembly) {
	for _, part := range parts {
		b.bytes += len(part.Bytes)
	}
}

func (b *bytesSeen) ReassemblyComplete() {}

type packet struct {
	flow gopacket.Flow
	tcp  *layers.TCP
}

func main() {
	seen := &bytesSeen{}
	assembler := tcpassembly.NewAssembler(tcpassembly.NewStreamPool(seen))
	packets := make([]packet, connections)
	start := time.Unix(1_700_000_000, 0)
	for i := range packets {
		packets[i] = first(i)
		assembler.AssembleWithTimestamp(packets[i].flow, packets[i].tcp, start)
		packets[i].tcp.SYN = false
		packets[i].tcp.Seq += uint32(len(packets[i].tcp.Payload)) + 1
	}
	profiles.Of(func() {
		for _, p := range packets {
			assembler.AssembleWithTimestamp(p.flow, p.tcp, start)
			p.tcp.Seq += uint32(len(p.tcp.Payload))
		}
	})
	fmt.Println("bytes", seen.bytes)
}

func first(i int) packet {
	ip := &layers.IPv4{
		Version: 4, TTL: 64, Protocol: layers.IPProtocolTCP,
		SrcIP: net.IPv4(10, byte(i>>16), byte(i>>8), byte(i)).To4(), DstIP: net.IPv4(192, 0, 2, 1).To4(),
	}
	tcp := &layers.TCP{SrcPort: layers.TCPPort(32768 + i%28000), DstPort: 443, Seq: 1, Window: 1024}
	profiles.Check(tcp.SetNetworkLayerForChecksum(ip))
	buffer := gopacket.NewSerializeBuffer()
	options := gopacket.SerializeOptions{FixLengths: true, ComputeChecksums: true}
	profiles.Check(gopacket.SerializeLayers(buffer, options, ip, tcp, gopacket.Payload(make([]byte, 64))))
	read := gopacket.NewPacket(buffer.Bytes(), layers.LayerTypeIPv4, gopacket.Default)
	found := read.TransportLayer().(*layers.TCP)
	found.SYN = true
	return packet{read.NetworkLayer().NetworkFlow(), found}
}
