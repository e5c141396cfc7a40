// Package ws carries a terminal over one websocket: binary frames, one reader
// and one writer a connection. It is the only importer of gorilla/websocket.
package ws

import (
	"encoding/binary"
	"errors"
)

// Subprotocol is the version of the frames that both sides must name.
const Subprotocol = "netground.v1"

// Frame types from the page. Numbers in frames are big-endian.
const (
	frameInput    = 0x01 // u64 number of the first byte, bytes
	frameAck      = 0x02 // u64: all output before it was parsed
	frameResize   = 0x03 // u16 columns, u16 rows
	frameKeyboard = 0x04 // asks for the keyboard
)

// Frame types to the page.
const (
	frameOutput   = 0x81 // u64 number of the first byte, bytes
	frameHello    = 0x82 // JSON, see Hello
	frameResync   = 0x83 // u64: output goes on here, the page clears its screen
	frameExit     = 0x84 // i32 exit status
	frameSize     = 0x85 // u16 columns, u16 rows: another viewer changed the size
	frameWriter   = 0x86 // u8: whether this viewer has the keyboard
	frameInputAck = 0x87 // u64: input before it was taken
	frameError    = 0x88 // a sentence
)

// maxFrame bounds a frame from the page, in bytes.
const maxFrame = 64 << 10

// Close codes beyond those of RFC 6455.
const (
	CloseEnded    = 4001 // the session has ended
	CloseNotYours = 4003
	CloseNoSuch   = 4004
)

// Hello is the first frame of a connection.
type Hello struct {
	Terminal    string `json:"terminal"`
	Host        string `json:"host"`
	Cols        uint16 `json:"cols"`
	Rows        uint16 `json:"rows"`
	InputOffset int64  `json:"inputOffset"` // bytes taken from this viewer so far
	Window      int    `json:"window"`
	Writer      bool   `json:"writer"`
	Exited      bool   `json:"exited"`
	ExitCode    int    `json:"exitCode"`
}

// frame is a decoded frame from the page.
type frame struct {
	kind       byte
	offset     int64
	data       []byte
	cols, rows uint16
}

var errFrame = errors.New("the frame is malformed")

func decode(b []byte) (frame, error) {
	if len(b) == 0 {
		return frame{}, errFrame
	}
	f, rest := frame{kind: b[0]}, b[1:]
	switch f.kind {
	case frameInput, frameAck:
		if len(rest) < 8 || (f.kind == frameAck && len(rest) != 8) {
			return frame{}, errFrame
		}
		n := binary.BigEndian.Uint64(rest)
		if n > 1<<53 { // the page counts in doubles
			return frame{}, errFrame
		}
		f.offset, f.data = int64(n), rest[8:]
	case frameResize:
		if len(rest) != 4 {
			return frame{}, errFrame
		}
		f.cols, f.rows = binary.BigEndian.Uint16(rest), binary.BigEndian.Uint16(rest[2:])
	case frameKeyboard:
		if len(rest) != 0 {
			return frame{}, errFrame
		}
	default:
		return frame{}, errFrame
	}
	return f, nil
}

// header writes a frame's type and a number into the first nine bytes of b.
func header(b []byte, kind byte, n int64) []byte {
	b[0] = kind
	binary.BigEndian.PutUint64(b[1:], uint64(n))
	return b[:9]
}
