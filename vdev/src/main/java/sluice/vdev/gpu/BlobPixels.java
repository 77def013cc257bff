package sluice.vdev.gpu;

import java.lang.foreign.MemorySegment;

import org.jspecify.annotations.Nullable;

import sluice.dmacore.memory.Rows;

/** A picture in the memory of a blob. */
final class BlobPixels implements PixelSource {
    private final Blob blob;
    private final BlobLayout layout;
    private final BackingSpace space;
    private final Rows rows = new Rows();

    /** @param layout of a picture inside the blob */
    BlobPixels(Blob blob, BlobLayout layout, BackingSpace space) {
        this.blob = blob;
        this.layout = layout;
        this.space = space;
    }

    Blob blob() {
        return blob;
    }

    BlobLayout layout() {
        return layout;
    }

    @Override
    public int width() {
        return layout.width();
    }

    @Override
    public int height() {
        return layout.height();
    }

    @Override
    public @Nullable HostImage image() {
        return null;
    }

    @Override
    public long copyTo(Rectangle area, MemorySegment target, long offset, long stride) {
        Pages backing = blob.pages();
        layout.rowsOf(area, rows);
        for (int moves = 0; backing != null && moves < BackingSpace.MOST_MOVES; moves++) {
            if (!space.reach(backing, blob.id())) break;
            try (var _ = space.enter()) {
                if (space.observe(backing, rows))
                    return Transfer.copy(space.found(), rows, layout.format(), target, offset, stride);
            }
        }
        if (backing == null || space.isGone()) space.tellLost(blob);
        for (long row = 0; row < rows.count(); row++)
            target.asSlice(offset + row * stride, rows.rowBytes()).fill((byte) 0);
        return 0;
    }
}
