package sluice.guest;

import java.io.ByteArrayOutputStream;
import java.io.DataInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.TreeMap;

/**
 * A message of D-Bus (D-Bus Specification, "Message Protocol"), little-endian, with those header fields that are strings or
 * numbers, which are all a message without descriptors has.
 *
 * @param type see the constants
 * @param serial the sender's number of it, not 0
 * @param fields header fields by their code; a String, or an Integer for {@link #REPLY_SERIAL}
 */
@SuppressWarnings("ArrayRecordComponent") // on its way from or to the wire: messages are never compared
record DBusMessage(int type, int serial, Map<Integer, Object> fields, byte[] body) {
    static final int CALL = 1;
    static final int RETURN = 2;
    static final int ERROR = 3;
    static final int PATH = 1;
    static final int INTERFACE = 2;
    static final int MEMBER = 3;
    static final int ERROR_NAME = 4;
    static final int REPLY_SERIAL = 5;
    static final int DESTINATION = 6;
    static final int SENDER = 7;
    static final int SIGNATURE = 8;
    /** A field that is a plain number and that messages without descriptors do not have; it is read and dropped. */
    private static final int UNIX_FDS = 9;
    private static final int VERSION = 1;
    private static final int FIXED_BYTES = 16;
    private static final int LARGEST = 1 << 20;

    /** The text of a field, or "" if it is not there. */
    String text(int field) {
        return fields.get(field) instanceof String text ? text : "";
    }

    /** Which message this answers, or 0. */
    int replySerial() {
        return fields.get(REPLY_SERIAL) instanceof Integer number ? number : 0;
    }

    /** Body with one string (signature "s"). */
    static byte[] stringBody(String text) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        writeString(out, text);
        return out.toByteArray();
    }

    byte[] encode() {
        ByteArrayOutputStream list = new ByteArrayOutputStream();
        new TreeMap<>(fields).forEach((code, value) -> writeField(list, code, value));
        ByteBuffer fixed = ByteBuffer.allocate(FIXED_BYTES).order(ByteOrder.LITTLE_ENDIAN);
        fixed.put((byte) 'l').put((byte) type).put((byte) 0).put((byte) VERSION).putInt(body.length).putInt(serial)
                .putInt(list.size());
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        out.writeBytes(fixed.array());
        out.writeBytes(list.toByteArray());
        pad(out, 8);
        out.writeBytes(body);
        return out.toByteArray();
    }

    private static void writeField(ByteArrayOutputStream out, int code, Object value) {
        pad(out, 8);
        String type = code == PATH ? "o" : code == SIGNATURE ? "g" : code == REPLY_SERIAL ? "u" : "s";
        out.write(code);
        writeSignature(out, type);
        if (value instanceof Integer number) {
            pad(out, 4);
            writeInt(out, number);
        } else if (code == SIGNATURE) {
            writeSignature(out, (String) value);
        } else {
            pad(out, 4);
            writeString(out, (String) value);
        }
    }

    private static void writeSignature(ByteArrayOutputStream out, String signature) {
        out.write(signature.length());
        out.writeBytes(signature.getBytes(StandardCharsets.US_ASCII));
        out.write(0);
    }

    private static void writeString(ByteArrayOutputStream out, String text) {
        byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
        writeInt(out, bytes.length);
        out.writeBytes(bytes);
        out.write(0);
    }

    private static void writeInt(ByteArrayOutputStream out, int value) {
        out.writeBytes(ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array());
    }

    private static void pad(ByteArrayOutputStream out, int alignment) {
        while (out.size() % alignment != 0) {
            out.write(0);
        }
    }

    /** Reads one message; its end of file comes as an {@link java.io.EOFException}. */
    static DBusMessage read(DataInputStream in) throws IOException {
        ByteBuffer fixed = bytes(in, FIXED_BYTES);
        int order = fixed.get();
        int type = fixed.get();
        fixed.getShort();
        int bodyBytes = fixed.getInt();
        int serial = fixed.getInt();
        int listBytes = fixed.getInt();
        if (order != 'l' || bodyBytes < 0 || bodyBytes > LARGEST || listBytes < 0 || listBytes > LARGEST) {
            throw new IOException("a D-Bus message that is not little-endian or larger than " + LARGEST + " bytes");
        }
        ByteBuffer list = bytes(in, listBytes + (-listBytes & 7)).limit(listBytes);
        Map<Integer, Object> fields = new TreeMap<>();
        while (list.hasRemaining()) {
            readField(list, fields);
            if (list.hasRemaining()) list.position(list.position() + (-list.position() & 7));
        }
        return new DBusMessage(type, serial, fields, bytes(in, bodyBytes).array());
    }

    private static void readField(ByteBuffer list, Map<Integer, Object> fields) throws IOException {
        int code = list.get();
        String type = readText(list, list.get());
        if (type.equals("g")) {
            fields.put(code, readText(list, list.get()));
            return;
        }
        list.position(list.position() + (-list.position() & 3));
        int number = list.getInt();
        if (type.equals("s") || type.equals("o")) {
            fields.put(code, readText(list, number));
        } else if (type.equals("u") && code != UNIX_FDS) {
            fields.put(code, number);
        } else if (!type.equals("u")) {
            throw new IOException("a D-Bus header field " + code + " of type " + type);
        }
    }

    private static String readText(ByteBuffer from, int length) {
        byte[] text = new byte[length];
        from.get(text);
        from.get(); // the closing zero
        return new String(text, StandardCharsets.UTF_8);
    }

    private static ByteBuffer bytes(DataInputStream in, int count) throws IOException {
        byte[] bytes = new byte[count];
        in.readFully(bytes);
        return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
    }
}
