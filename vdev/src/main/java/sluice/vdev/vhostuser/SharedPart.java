package sluice.vdev.vhostuser;

import io.netty.buffer.ByteBuf;

/** VhostUserMMap: a part of a shared memory region, and the part of the file mapped there; all in bytes. */
record SharedPart(int region, long fileOffset, long offset, long length) {
    private static final int PADDING = 7;
    private static final long READ_WRITE = 1;

    /** @param body receives the body of SHMEM_MAP or SHMEM_UNMAP */
    void write(ByteBuf body, boolean map) {
        body.writeByte(region).writeZero(PADDING).writeLongLE(fileOffset).writeLongLE(offset).writeLongLE(length)
                .writeLongLE(map ? READ_WRITE : 0);
    }
}
