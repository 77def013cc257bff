package sluice.vdev.vfg7350;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

import sluice.vdev.fixture.TransportStream;

/** The messages by which Linux's saa6752hs sets up the encoder and starts it. */
final class EncoderMessages {
    /** What its controls say. */
    record Wanted(int format, boolean lines525, boolean constant, int mean, int peak, int total, boolean wide,
            int videoPid, int audioPid, int clockPid, int mapPid) {
        /** The driver's defaults, at a small size. */
        static Wanted usual() {
            return new Wanted(3, false, false, 4000, 6000, 7024, false, 0x100, 0x104, 0x103, 0x10);
        }
    }

    private final List<byte[]> all = new ArrayList<>();

    private EncoderMessages() {}

    static List<byte[]> start(Wanted wanted) {
        EncoderMessages messages = new EncoderMessages();
        messages.set8(0x41, wanted.format).set8(0x40, wanted.lines525 ? 1 : 0).set8(0x71, wanted.constant ? 1 : 0);
        if (wanted.constant) {
            messages.set16(0x81, wanted.mean);
        } else {
            messages.set16(0x80, wanted.mean).set16(0x81, wanted.peak);
        }
        messages.set8(0x93, 0).set8(0x94, 0).set16(0xb1, wanted.total).set16(0x72, 0x030d).set8(0x82, 4)
                .set8(0x83, 12).set8(0xd0, 0x81).set8(0xb0, 5).set16(0xf6, 0).set16(0xc1, wanted.audioPid)
                .set16(0xc0, wanted.videoPid).set16(0xc4, wanted.clockPid);
        messages.all.add(association(wanted));
        messages.all.add(map(wanted));
        messages.set8(0xa4, 1).set8(0xa4, 0);
        messages.all.add(new byte[]{ 0x02 });
        messages.all.add(bytes(0xe1, 0xa7, 0xfe, 0x82, 0xb0));
        messages.all.add(bytes(0xe0, 0xa7, 0xfe, 0x82, 0xb0, 0, wanted.wide ? 0x40 : 0, 0, 0));
        return messages.all;
    }

    private EncoderMessages set8(int register, int value) {
        all.add(bytes(register, value));
        return this;
    }

    private EncoderMessages set16(int register, int value) {
        all.add(bytes(register, value >> 8, value));
        return this;
    }

    static byte[] bytes(int... values) {
        byte[] bytes = new byte[values.length];
        for (int i = 0; i < values.length; i++) bytes[i] = (byte) values[i];
        return bytes;
    }

    private static byte[] association(Wanted wanted) {
        return table(0, bytes(0x47, 0x40, 0, 0x10, 0), bytes(0, 0xb0, 13, 0, 1, 0xc1, 0, 0, 0, 1,
                0xe0 | wanted.mapPid >> 8, wanted.mapPid));
    }

    private static byte[] map(Wanted wanted) {
        return table(1, bytes(0x47, 0x40 | wanted.mapPid >> 8, wanted.mapPid, 0x10, 0), bytes(2, 0xb0, 23, 0, 1, 0xc1,
                0, 0, 0xe0 | wanted.clockPid >> 8, wanted.clockPid, 0xf0, 0, 2, 0xe0 | wanted.videoPid >> 8,
                wanted.videoPid, 0xf0, 0, 4, 0xe0 | wanted.audioPid >> 8, wanted.audioPid, 0xf0, 0));
    }

    private static byte[] table(int number, byte[] header, byte[] section) {
        return ByteBuffer.allocate(2 + header.length + section.length + 4).put((byte) 0xc2).put((byte) number)
                .put(header)
                .put(section).putInt(TransportStream.checksum(section, 0, section.length)).array();
    }

    /** A chip that was sent these messages. */
    static EncoderChip chip(List<byte[]> messages) {
        EncoderChip chip = new EncoderChip();
        for (byte[] message : messages) chip.message(message, message.length);
        return chip;
    }

    /** Writes a 32-bit register of the card. */
    interface Card {
        void write(int value) throws IOException;
    }

    /** Sends messages over the card's I²C master, each byte of a message in a transfer. */
    static void send(List<byte[]> messages, Card master) throws IOException {
        for (byte[] message : messages) {
            master.write(0x42 << 8 | 3 << 6);
            for (byte value : message) master.write((value & 0xff) << 8 | 2 << 6);
            master.write(1 << 6);
        }
    }
}
