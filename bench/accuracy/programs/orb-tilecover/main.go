// Which map tiles does a country cover? Polygon of orb's tilecover at zoom 13, for eight countries in turns.
package main

import (
	"fmt"
	"math"

	"example.com/profiles"
	"github.com/paulmach/orb"
	"github.com/paulmach/orb/maptile/tilecover"
)

func main() {
	countries := make([]orb.Polygon, 8)
	for i := range countries {
		countries[i] = country(float64(i))
	}
	tiles := 0
	profiles.Of(func() {
		for _, outline := range countries {
			cover, err := tilecover.Polygon(outline, 13)
			profiles.Check(err)
			tiles += len(cover)
		}
	})
	fmt.Println("tiles", tiles > 0)
}

func country(n float64) orb.Polygon {
	ring := orb.Ring{}
	for step := range 721 {
		angle := float64(step%720) * math.Pi / 360
		radius := 4 + 0.4*math.Sin(5*angle+n) + 0.2*math.Sin(11*angle)
		ring = append(ring, orb.Point{5*n + radius*math.Cos(angle), 48 + radius*math.Sin(angle)/2})
	}
	return orb.Polygon{ring}
}
