package sluice.vdev.pci;

/**
 * The location of a function's MSI-X structures. QEMU emulates the table itself, so it is empty here: no vector is ever
 * pending, because vectors are signalled at once.
 *
 * @param vectors 1 to 2048
 * @param bar BAR of both structures
 * @param tableOffset of the table, a multiple of 8
 * @param pendingOffset of the pending bits, a multiple of 8
 */
public record Msix(int vectors, int bar, int tableOffset, int pendingOffset) {
    private static final int MOST_VECTORS = 2048;
    private static final int ENTRY_BYTES = 16;

    public Msix {
        if (vectors < 1 || vectors > MOST_VECTORS)
            throw new IllegalArgumentException(vectors + " MSI-X vectors; give 1 to " + MOST_VECTORS);
        if (((tableOffset | pendingOffset) & 7) != 0 || tableOffset < 0 || pendingOffset < 0) {
            throw new IllegalArgumentException(
                    "MSI-X structures at 0x%x and 0x%x; give multiples of 8".formatted(tableOffset, pendingOffset));
        }
        if (tableOffset < pendingOffset + pendingBytes(vectors)
                && pendingOffset < tableOffset + vectors * ENTRY_BYTES) {
            throw new IllegalArgumentException("the MSI-X table at 0x%x and the pending bits at 0x%x overlap"
                    .formatted(tableOffset, pendingOffset));
        }
    }

    /** Whether a byte of the BAR belongs to one of the structures. */
    public boolean covers(int index, long offset) {
        return index == bar && (within(offset, tableOffset, vectors * ENTRY_BYTES)
                || within(offset, pendingOffset, pendingBytes(vectors)));
    }

    /** End of the structures in the BAR. */
    public long end() {
        return Math.max(tableOffset + (long) vectors * ENTRY_BYTES, pendingOffset + (long) pendingBytes(vectors));
    }

    private static boolean within(long offset, int first, int length) {
        return offset >= first && offset < first + (long) length;
    }

    private static int pendingBytes(int vectors) {
        return (vectors + 63) / 64 * 8;
    }
}
