package sluice.vdev.profile;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;

/** One message in the wire format of Protocol Buffers ("Encoding", protobuf.dev); reused for the next after {@link #clear}. */
final class ProtoMessage {
    private static final int VARINT = 0;
    private static final int FIXED64 = 1;
    private static final int LENGTH = 2;
    private static final int TYPE_BITS = 3;
    private static final int LOW = 0x7f;
    private static final int MORE = 0x80;

    private byte[] bytes = new byte[256];
    private int size;

    ProtoMessage clear() {
        size = 0;
        return this;
    }

    /** A field of type int32, int64, uint32, uint64, bool or enum; a negative value takes ten bytes. */
    ProtoMessage number(int field, long value) {
        raw(((long) field << TYPE_BITS) | VARINT);
        raw(value);
        return this;
    }

    /** A field of type fixed64. */
    ProtoMessage fixed(int field, long value) {
        raw(((long) field << TYPE_BITS) | FIXED64);
        room(Long.BYTES);
        for (int i = 0; i < Long.BYTES; i++) bytes[size++] = (byte) (value >>> (8 * i));
        return this;
    }

    /** A field of type string. */
    ProtoMessage text(int field, String value) {
        byte[] utf8 = value.getBytes(StandardCharsets.UTF_8);
        return raw(field, utf8, utf8.length);
    }

    /** A field that is a message. */
    ProtoMessage message(int field, ProtoMessage value) {
        return raw(field, value.bytes, value.size);
    }

    /** The fields of another message of the same type. */
    ProtoMessage append(ProtoMessage more) {
        room(more.size);
        System.arraycopy(more.bytes, 0, bytes, size, more.size);
        size += more.size;
        return this;
    }

    private ProtoMessage raw(int field, byte[] value, int length) {
        raw(((long) field << TYPE_BITS) | LENGTH);
        raw(length);
        room(length);
        System.arraycopy(value, 0, bytes, size, length);
        size += length;
        return this;
    }

    private void raw(long value) {
        room(10);
        long rest = value;
        while ((rest & ~LOW) != 0) {
            bytes[size++] = (byte) ((rest & LOW) | MORE);
            rest >>>= 7;
        }
        bytes[size++] = (byte) rest;
    }

    private void room(int more) {
        if (bytes.length - size < more) bytes = Arrays.copyOf(bytes, Math.max(2 * bytes.length, size + more));
    }

    void writeTo(OutputStream out) throws IOException {
        out.write(bytes, 0, size);
    }
}
