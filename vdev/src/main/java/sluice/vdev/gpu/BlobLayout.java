package sluice.vdev.gpu;

import sluice.dmacore.memory.Rows;

/**
 * The layout of a picture in a blob, from VIRTIO_GPU_CMD_SET_SCANOUT_BLOB.
 *
 * @param width in pixels, 1 to {@link ResourceTable#MAX_SIDE}
 * @param height in pixels, likewise
 * @param offset of its first byte, 0 to 2^32 − 1
 * @param stride bytes from one row to the next, at least those of a row, below 2^32
 */
record BlobLayout(PixelFormat format, int width, int height, long offset, long stride) {
    /** Whether a command has the same layout. */
    boolean isOf(Command.SetScanoutBlob command) {
        return command.format() == format.wireNumber() && command.width() == width && command.height() == height
                && command.offset() == offset && command.stride() == stride;
    }

    /** Sets {@code rows} to the bytes of a non-empty part of the picture. */
    void rowsOf(Rectangle part, Rows rows) {
        rows.set(offset + part.y() * stride + part.x() * PixelFormat.BYTES, part.width() * PixelFormat.BYTES, stride,
                part.height());
    }
}
