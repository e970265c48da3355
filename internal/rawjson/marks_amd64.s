#include "textflag.h"

// The bytes that are compared with, each in a word of its own.
DATA quote<>+0(SB)/1, $0x22
GLOBL quote<>(SB), RODATA|NOPTR, $1
DATA slash<>+0(SB)/1, $0x5c
GLOBL slash<>(SB), RODATA|NOPTR, $1
DATA control<>+0(SB)/1, $0x1f
GLOBL control<>(SB), RODATA|NOPTR, $1

// func scanBlocks(p *byte, n int) (skipped int, word, high uint64)
TEXT ·scanBlocks(SB), NOSPLIT, $0-40
	MOVQ p+0(FP), SI
	MOVQ n+8(FP), CX
	VPBROADCASTB quote<>(SB), Y0
	VPBROADCASTB slash<>(SB), Y1
	VPBROADCASTB control<>(SB), Y2
	VPXOR Y3, Y3, Y3 // everything that was seen
	XORQ DX, DX

block:
	VMOVDQU (SI)(DX*1), Y4
	VMOVDQU 32(SI)(DX*1), Y8
	VPOR Y4, Y3, Y3
	VPOR Y8, Y3, Y3

	// A byte is a control character when the lesser of it and 0x1f is itself.
	VPCMPEQB Y0, Y4, Y5
	VPCMPEQB Y1, Y4, Y6
	VPMINUB Y2, Y4, Y7
	VPCMPEQB Y7, Y4, Y7
	VPOR Y6, Y5, Y5
	VPOR Y7, Y5, Y5

	VPCMPEQB Y0, Y8, Y9
	VPCMPEQB Y1, Y8, Y10
	VPMINUB Y2, Y8, Y11
	VPCMPEQB Y11, Y8, Y11
	VPOR Y10, Y9, Y9
	VPOR Y11, Y9, Y9

	VPMOVMSKB Y5, R8
	VPMOVMSKB Y9, R9
	SHLQ $32, R9
	ORQ R9, R8
	JNZ done
	DECQ CX
	JZ done
	ADDQ $64, DX
	JMP block

done:
	VPMOVMSKB Y3, R10
	VZEROUPPER
	MOVQ DX, skipped+16(FP)
	MOVQ R8, word+24(FP)
	MOVQ R10, high+32(FP)
	RET
