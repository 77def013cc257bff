package sluice.dmacore.memory;

import java.io.IOException;

import sluice.iommu.AddressRange;

/**
 * One region of a VM's memory table: a part of a mapped file, with its guest and user addresses.
 *
 * @param guest addresses of the guest (GPA)
 * @param userAddress address of the region in the front-end; vhost-user passes ring addresses in this form
 * @param mapping the file
 * @param fileOffset offset of the region's first byte in the file
 */
public record MemoryRegion(AddressRange guest, long userAddress, FileMapping mapping, long fileOffset) {
    /** Regions begin and end on pages, so that no naturally aligned value straddles two of them. */
    public static final long PAGE = 4096;

    /**
     * The checked region.
     *
     * @throws IOException with the violated rule: alignment, wrap-around, or a file that is too small
     */
    public static MemoryRegion of(long guestAddress, long size, long userAddress, FileMapping mapping, long fileOffset)
            throws IOException {
        if (size <= 0 || fileOffset < 0) {
            throw new IOException("""
                    memory region of 0x%x bytes at file offset 0x%x: it must have 1 byte or more, at an offset of 0 or \
                    more""".formatted(size, fileOffset));
        }
        if (((guestAddress | size | fileOffset | userAddress) & (PAGE - 1)) != 0) {
            throw new IOException(
                    "memory region at 0x%x, 0x%x bytes, file offset 0x%x, user address 0x%x is not aligned to pages of 4096 bytes"
                            .formatted(guestAddress, size, fileOffset, userAddress));
        }
        if (fileOffset > mapping.size() - size) {
            throw new IOException("memory region needs bytes 0x%x to 0x%x of a file that has only 0x%x"
                    .formatted(fileOffset, fileOffset + size, mapping.size()));
        }
        try {
            AddressRange.of(userAddress, size);
            return new MemoryRegion(AddressRange.of(guestAddress, size), userAddress, mapping, fileOffset);
        } catch (IllegalArgumentException e) {
            throw new IOException("memory region wraps around: " + e.getMessage(), e);
        }
    }

    public long size() {
        return guest.size();
    }

    /** The region's addresses in the front-end. */
    public AddressRange user() {
        return AddressRange.of(userAddress, size());
    }
}
