/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Messages of the module to the witness function, a PCI device of Sluice. The Java side is
 * sluice.vdev.witness.WitnessMessage.
 */
#ifndef WITNESS_MESSAGE_H
#define WITNESS_MESSAGE_H

#include <linux/types.h>

#define WITNESS_VENDOR		0x1234
#define WITNESS_DEVICE		0x5e0e

/* Registers of BAR 0. A read of the doorbell returns when the message is carried out, with its number, or 0 if it is
 * refused. */
#define WITNESS_IDENTIFICATION	0x00
#define WITNESS_VERSION		0x04
#define WITNESS_PAGE_LOW	0x08
#define WITNESS_PAGE_HIGH	0x0c
#define WITNESS_DOORBELL	0x10

#define WITNESS_IDENTIFIED	0x54574c53	/* "SLWT" */
#define WITNESS_PRESENT_VERSION	2

enum witness_operation {
	WITNESS_HELLO = 1,
	WITNESS_MAP,
	WITNESS_UNMAP,
	WITNESS_SYNC_FOR_CPU,
	WITNESS_SYNC_FOR_DEVICE,
	WITNESS_ALLOC,
	WITNESS_FREE,
	WITNESS_CPU_BEGIN,
	WITNESS_CPU_END,
	WITNESS_GOODBYE,
	WITNESS_UNBOUND,
	WITNESS_CHAIN,	/* a line of text for each return address, size bytes in the place of entries */
};

#define WITNESS_HARD_INTERRUPT	(1 << 0)
#define WITNESS_SOFT_INTERRUPT	(1 << 1)
#define WITNESS_BOUND		(1 << 2)	/* with HELLO: a driver has the device already */
#define WITNESS_BOUNCED		(1 << 3)	/* with MAP: the addresses are of a bounce buffer (kernel/dma/swiotlb.c) */

struct witness_entry {
	__le64 address;
	__le32 length;
	__le32 zero;
};

struct witness_message {
	__le32 sequence;
	__le32 operation;
	__le32 direction;	/* enum dma_data_direction */
	__le32 attributes;	/* DMA_ATTR_* */
	__le32 requester;	/* domain, bus, device and function, or ~0 */
	__le32 number;		/* in the requester's Sluice capability, or 0 */
	__le32 total;		/* entries of the list, which may take several messages */
	__le32 first;
	__le32 count;
	__le32 flags;
	__le32 cpu;
	__le32 pid;
	__le64 nanos;		/* CLOCK_MONOTONIC */
	__le64 extra;		/* of a dma-buf: its inode; with ALLOC and FREE the CPU's address */
	__le64 size;		/* of a dma-buf: its size in bytes; of a list: its entries as the driver counts them */
	char name[28];		/* of the device */
	char call[28];		/* of the kernel */
	__le32 chain;		/* the number of its call chain, or 0 */
	__le32 zero;
	struct witness_entry entries[];
};

#endif
