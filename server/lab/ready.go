package lab

import (
	"embed"
	"fmt"
)

// ReadyTopology is one that a learner can start as it is, or change first.
type ReadyTopology struct {
	ID      string
	Title   Text
	Summary Text
	Text    string // as ParseTopology reads it
}

//go:embed ready
var readyFiles embed.FS

// ReadyTopologies returns what the playground offers, in its order.
func ReadyTopologies() ([]ReadyTopology, error) {
	all := []ReadyTopology{
		{ID: "pair", Title: Text{"en": "Two hosts on a switch", "ko": "스위치에 연결된 호스트 두 대"},
			Summary: Text{"en": "The smallest network that is one. Watch ARP, MAC addresses, and what a switch learns.", "ko": "가장 작은 네트워크입니다. ARP와 MAC 주소, 스위치가 학습하는 것을 볼 수 있습니다."}},
		{ID: "routed", Title: Text{"en": "Two networks and a router", "ko": "라우터로 이은 네트워크 두 개"},
			Summary: Text{"en": "Routes both ways are set. Take one away and see who notices.", "ko": "양쪽 경로가 모두 잡혀 있습니다. 하나를 지우면 어디서 막히는지 살펴보십시오."}},
		{ID: "ring", Title: Text{"en": "Three routers in a ring", "ko": "고리로 이은 라우터 세 대"},
			Summary: Text{"en": "Every network has two ways to any other. Cut a cable, and send packets the long way round.", "ko": "어느 네트워크로든 가는 길이 둘입니다. 케이블 하나를 끊고 패킷을 반대쪽으로 돌려 보내 보십시오."}},
		{ID: "namespaces", Title: Text{"en": "A node for namespaces", "ko": "네임스페이스를 만들 노드"},
			Summary: Text{"en": "One host to fill with namespaces and a bridge, and another that must be reached from them.", "ko": "한 호스트 안에 네임스페이스와 브리지를 만들고, 거기서 다른 호스트까지 통신해 봅니다."}},
		{ID: "office", Title: Text{"en": "An office and the Internet", "ko": "사무실과 인터넷"},
			Summary: Text{"en": "Private addresses behind a gateway, and a simulated Internet that cannot answer them yet: the NAT is yours to set up.", "ko": "게이트웨이 뒤의 사설 주소에는 가상 인터넷이 아직 응답하지 못합니다. NAT는 직접 설정해 보십시오."}},
		{ID: "empty", Title: Text{"en": "One host, nothing else", "ko": "호스트 한 대"},
			Summary: Text{"en": "A Linux machine without any network. Everything else is yours.", "ko": "네트워크가 없는 리눅스 한 대뿐입니다. 나머지는 직접 만드십시오."}},
	}
	for i := range all {
		text, err := readyFiles.ReadFile("ready/" + all[i].ID + ".yaml")
		if err != nil {
			return nil, fmt.Errorf("cannot read a ready topology: %w", err)
		}
		all[i].Text = string(text)
	}
	return all, nil
}
