package sluice.dmacore.laws;

import java.util.List;

import sluice.dmacore.model.Eviction;
import sluice.dmacore.ownership.Flavour;

/** The machine that a program runs on: buffers over files, and what may attach to them. */
record Setting(Flavour flavour, Eviction eviction, List<Shape> buffers, List<Port> attachments) {
    static final int LINE = 64;
    static final int FILES = 3;
    static final int FILE_BYTES = 4 * 4096;
    /** The file that is a device's memory. */
    static final int DEVICE_FILE = 2;

    /** What a buffer is made of. */
    enum Kind {
        /** Pages of a guest, which stores without telling. */
        GUEST,
        /** Pages that are written between begin and end only. */
        TOLD,
        /** The same, and they can be moved. */
        MOVABLE,
        /** Memory without pages. */
        DEVICE
    }

    /** Bytes of a file that follow each other. */
    record Piece(int file, int offset, int length) {
        @Override
        public String toString() {
            return "%s+0x%x..0x%x".formatted(file == DEVICE_FILE ? "vram" : "file" + file, offset, offset + length - 1);
        }
    }

    /**
     * A buffer.
     *
     * @param other where it is after a move, and every second one; empty unless it is movable
     */
    record Shape(Kind kind, List<Piece> pieces, List<Piece> other) {
        int bytes() {
            return pieces.stream().mapToInt(Piece::length).sum();
        }
    }

    /**
     * What may attach.
     *
     * @param device number of the device; two attachments may be of one
     * @param snoops whether this stream of the device does
     * @param bounced whether the device takes one segment only, and gets a copy
     * @param dynamic whether it unmaps when the buffer moves
     * @param addressed whether the device knows no buffers, and uses the addresses that its driver programs
     */
    record Port(int buffer, int device, boolean snoops, boolean bounced, boolean dynamic, boolean addressed) {
        Port withDevice(int other) {
            return new Port(buffer, other, snoops, bounced, dynamic, addressed);
        }

        Port withDynamic(boolean next) {
            return new Port(buffer, device, snoops, bounced, next, addressed);
        }

        Port withAddressed(boolean next) {
            return new Port(buffer, device, snoops, bounced, dynamic, next);
        }

        String deviceName() {
            return (bounced ? "old" : "dev") + device;
        }
    }

    /** Whether an attachment sees a shadow of the memory, which only cache operations keep current. */
    boolean isCached(int attachment) {
        Port port = attachments.get(attachment);
        return !port.snoops && !port.bounced && buffers.get(port.buffer).kind != Kind.DEVICE;
    }
}
