package sluice.vdev.profile;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/** Reads the wire format of Protocol Buffers as its documentation says, and nothing that our writer knows. */
final class ProtoReader {
    /** A field: its number, and a number or bytes. */
    record Field(int number, long value, byte[] bytes) {
        String text() {
            return new String(bytes, StandardCharsets.UTF_8);
        }

        List<Field> message() {
            return read(bytes);
        }
    }

    private final byte[] bytes;
    private int at;

    private ProtoReader(byte[] bytes) {
        this.bytes = bytes;
    }

    static List<Field> read(byte[] message) {
        ProtoReader reader = new ProtoReader(message);
        List<Field> fields = new ArrayList<>();
        while (reader.at < message.length)
            fields.add(reader.field());
        return fields;
    }

    private Field field() {
        long tag = varint();
        int number = (int) (tag >>> 3);
        return switch ((int) (tag & 7)) {
            case 0 -> new Field(number, varint(), new byte[0]);
            case 1 -> {
                long value = 0;
                for (int i = 0; i < 8; i++) value |= (bytes[at++] & 0xffL) << (8 * i);
                yield new Field(number, value, new byte[0]);
            }
            case 2 -> {
                int length = Math.toIntExact(varint());
                byte[] content = Arrays.copyOfRange(bytes, at, at + length);
                at += length;
                if (at > bytes.length) throw new AssertionError("a field ends after its message");
                yield new Field(number, 0, content);
            }
            default -> throw new AssertionError("wire type of tag " + tag);
        };
    }

    private long varint() {
        long value = 0;
        for (int shift = 0; shift < 64; shift += 7) {
            byte next = bytes[at++];
            value |= (next & 0x7fL) << shift;
            if (next >= 0) return value;
        }
        throw new AssertionError("a number of more than ten bytes");
    }

    static Optional<Field> find(List<Field> fields, int number) {
        return fields.stream().filter(field -> field.number() == number).findFirst();
    }

    static long number(List<Field> fields, int number) {
        return find(fields, number).orElseThrow(() -> new AssertionError("no field " + number)).value();
    }

    static List<Field> all(List<Field> fields, int number) {
        return fields.stream().filter(field -> field.number() == number).toList();
    }
}
