// Orders of a day by customer: GroupBy of samber/lo, 400,000 orders of 40,000 customers.
package main

import (
	"fmt"
	"math/rand"

	"example.com/profiles"
	"github.com/samber/lo"
)

const (
	orders    = 400_000
	customers = 40_000
)

type order struct {
	customer string
	cents    int
}

func main() {
	random := rand.New(rand.NewSource(1))
	all := make([]order, orders)
	for i := range all {
		all[i] = order{fmt.Sprintf("customer-%06d", random.Intn(customers)), random.Intn(10_000)}
	}
	groups := 0
	profiles.Of(func() {
		groups += len(lo.GroupBy(all, func(o order) string { return o.customer }))
	})
	fmt.Println("groups", groups)
}
