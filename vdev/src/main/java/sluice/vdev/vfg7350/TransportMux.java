package sluice.vdev.vfg7350;

import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;

import org.jspecify.annotations.Nullable;

import sluice.vdev.device.Counter;

/**
 * Makes a transport stream of a constant rate (ISO/IEC 13818-1 §2.4): the driver's tables, a clock, coded pictures, and
 * silent sound, each packet when it is due by the stream's own clock, which proceeds with the packets. What is left of
 * the rate are null packets. Used on the card's loop.
 *
 * <p>A picture is sent when the decoder's buffer has room for it, and whole before it is decoded, unless pictures have
 * more bits than their rate has; then they are late, which is counted.
 */
final class TransportMux {
    /** Of the system clock, per second, and of time stamps. */
    static final long CLOCK_HZ = 27_000_000;
    static final int STAMP_HZ = 90_000;
    private static final int CLOCK_PER_STAMP = (int) (CLOCK_HZ / STAMP_HZ);

    private static final int PACKET = PacketSource.PACKET_BYTES;
    private static final int HEADER = 4;
    private static final long PACKET_CLOCKS = PACKET * 8 * CLOCK_HZ;
    private static final long BETWEEN_TABLES = CLOCK_HZ / 10;
    private static final long BETWEEN_CLOCKS = CLOCK_HZ / 30;
    private static final int NULL_PID = 0x1fff;
    private static final int CLOCK_FIELD_LENGTH = PACKET - HEADER - 1;
    private static final int CLOCK_BASE_BITS = 33;

    /** Sound: MPEG-1 layer II, frames of 1152 samples at 48 kHz, of which a decoder's buffer of 3584 bytes holds two. */
    private static final long SOUND_PERIOD = 1152 * CLOCK_HZ / 48_000;
    private static final long SOUND_AHEAD = 2 * SOUND_PERIOD;

    private static final int VIDEO_STREAM = 0xe0;
    private static final int AUDIO_STREAM = 0xc0;
    private static final int SYNC = 0x47;
    /** Flags of a PES header: a unit begins with it. */
    private static final int ALIGNED = 0x84;

    private static final int PAT = 0;
    private static final int PMT = 1;
    private static final int VIDEO = 2;
    private static final int AUDIO = 3;

    /** A coded picture or a frame of sound, with its PES header in front. */
    private static final class Unit {
        private byte[] bytes = new byte[1 << 14];
        private int length;
        private int sent;
        private long decodeAt;

        /** @param extra bytes that will follow what is there */
        void reserve(int extra) {
            if (bytes.length - length < extra)
                bytes = Arrays.copyOf(bytes, Math.max(bytes.length * 2, length + extra));
        }

        void put(int value) {
            bytes[length++] = (byte) value;
        }

        void putStamp(int prefix, long stamp) {
            put(prefix << 4 | (int) (stamp >>> 30 & 7) << 1 | 1);
            put((int) (stamp >>> 22));
            put((int) (stamp >>> 15 & 0x7f) << 1 | 1);
            put((int) (stamp >>> 7));
            put((int) (stamp & 0x7f) << 1 | 1);
        }
    }

    private final Counter late;
    private StreamSettings settings;
    private final Deque<Unit> units = new ArrayDeque<>();
    private final Deque<Unit> free = new ArrayDeque<>();
    private final Unit sound = new Unit();
    /** The stream's time in units of its clock, and what is left of it as a fraction of the rate. */
    private long clock;
    private long rest;
    private long nextTables;
    private long nextClock;
    private boolean mapFollows;
    /** When the next picture and the next sound are decoded. */
    private long nextDecoding;
    private long nextSound;
    private boolean ended;
    /** Of packets, by what is in them. */
    private final int[] counters = new int[AUDIO + 1];
    /** From the stream's beginning to the first decoding. */
    private final long delay;

    /** @param late counts pictures whose last byte was sent after the time to decode them */
    TransportMux(StreamSettings settings, Counter late) {
        this.settings = settings;
        this.late = late;
        delay = ahead();
        nextDecoding = delay;
        nextSound = delay;
    }

    /** Other PIDs, tables or rates from now on. */
    void set(StreamSettings changed) {
        settings = changed;
    }

    /** How long before its decoding a picture may be sent: as much as the decoder's buffer holds. */
    private long ahead() {
        return settings.bufferBits() * CLOCK_HZ / settings.peakBits();
    }

    /** Number of pictures that are not sent yet. */
    int pictures() {
        return units.size();
    }

    /** No further pictures: only tables, clock and sound. */
    void end() {
        ended = true;
    }

    /** The time of picture {@code number} at a frame rate, in units of the clock, from the first. */
    static long time(long number, StreamSettings settings) {
        return number * CLOCK_HZ * settings.frameRate().denominator() / settings.frameRate().numerator();
    }

    /**
     * Adds a coded picture, in the order of decoding.
     *
     * @param coded its bytes; only the first {@code length} from {@code from} on count, and are copied
     * @param number of the picture in the order of display, from 0
     */
    void add(byte[] coded, int from, int length, long number) {
        Unit unit = free.isEmpty() ? new Unit() : free.removeLast();
        // A picture is decoded one picture before the first that is shown after it at the latest.
        long shown = delay + time(number + 1, settings);
        header(unit, VIDEO_STREAM, 0, shown, nextDecoding);
        unit.reserve(length);
        System.arraycopy(coded, from, unit.bytes, unit.length, length);
        unit.length += length;
        unit.decodeAt = nextDecoding;
        units.add(unit);
        nextDecoding += time(1, settings);
    }

    /** Begins a PES packet (§2.4.3.6); a payload of 0 bytes is one of any length. */
    private static void header(Unit unit, int stream, int payload, long shown, long decoded) {
        boolean both = shown != decoded;
        int stamps = both ? 10 : 5;
        unit.length = 0;
        unit.sent = 0;
        int length = payload == 0 ? 0 : 3 + stamps + payload;
        unit.put(0);
        unit.put(0);
        unit.put(1);
        unit.put(stream);
        unit.put(length >>> Byte.SIZE);
        unit.put(length);
        unit.put(ALIGNED);
        unit.put(both ? 0xc0 : 0x80);
        unit.put(stamps);
        unit.putStamp(both ? 3 : 2, shown / CLOCK_PER_STAMP);
        if (both) unit.putStamp(1, decoded / CLOCK_PER_STAMP);
    }

    /**
     * Makes the next packet.
     *
     * @return false if it may be that of a picture that is not there yet
     */
    boolean packet(byte[] target, int at) {
        if (mapFollows) {
            mapFollows = false;
            if (table(settings.pmt(), PMT, target, at)) return true;
        }
        if (clock >= nextTables) {
            nextTables = clock + BETWEEN_TABLES;
            mapFollows = true;
            if (table(settings.pat(), PAT, target, at)) return true;
        }
        if (clock >= nextClock) {
            nextClock = clock + BETWEEN_CLOCKS;
            clockPacket(target, at);
            return sent();
        }
        if (settings.sound() && (sound.sent < sound.length || clock >= nextSound - SOUND_AHEAD)) {
            if (sound.sent == sound.length) beginSound();
            payload(sound, settings.audioPid(), AUDIO, target, at);
            return sent();
        }
        Unit unit = units.peek();
        if (unit == null) {
            if (!ended && clock >= nextDecoding - ahead()) return false;
        } else if (unit.sent > 0 || clock >= unit.decodeAt - ahead()) {
            payload(unit, settings.videoPid(), VIDEO, target, at);
            if (unit.sent == unit.length) {
                if (clock > unit.decodeAt) late.increment();
                free.add(units.remove());
            }
            return sent();
        }
        nullPacket(target, at);
        return sent();
    }

    private boolean sent() {
        rest += PACKET_CLOCKS;
        clock += rest / settings.totalBits();
        rest %= settings.totalBits();
        return true;
    }

    private boolean table(StreamSettings.@Nullable Table table, int which, byte[] target, int at) {
        if (table == null) return false;
        table.copyTo(target, at);
        target[at + 3] = (byte) ((target[at + 3] & 0xf0) | (counters[which]++ & 0xf));
        return sent();
    }

    private static void start(byte[] target, int at, int pid, boolean begins, int control, int counter) {
        target[at] = SYNC;
        target[at + 1] = (byte) ((begins ? 0x40 : 0) | pid >>> Byte.SIZE);
        target[at + 2] = (byte) pid;
        target[at + 3] = (byte) (control << 4 | (counter & 0xf));
    }

    /** An adaptation field with the clock and nothing else; such packets do not count (§2.4.3.3). */
    private void clockPacket(byte[] target, int at) {
        int pid = settings.clockPid();
        int counter = pid == settings.videoPid()
                ? counters[VIDEO] - 1
                : pid == settings.audioPid() ? counters[AUDIO] - 1 : 0;
        start(target, at, pid, false, 2, counter);
        target[at + HEADER] = (byte) CLOCK_FIELD_LENGTH;
        target[at + HEADER + 1] = 0x10;
        long base = clock / CLOCK_PER_STAMP & (1L << CLOCK_BASE_BITS) - 1;
        int extension = (int) (clock % CLOCK_PER_STAMP);
        int from = at + HEADER + 2;
        for (int i = 0; i < 4; i++) target[from + i] = (byte) (base >>> (25 - 8 * i));
        target[from + 4] = (byte) ((base & 1) << 7 | 0x7e | extension >>> 8);
        target[from + 5] = (byte) extension;
        Arrays.fill(target, from + 6, at + PACKET, (byte) 0xff);
    }

    /** The next part of a unit, with stuffing in front if it is its last. */
    private void payload(Unit unit, int pid, int which, byte[] target, int at) {
        int size = Math.min(unit.length - unit.sent, PACKET - HEADER);
        int stuffing = PACKET - HEADER - size;
        start(target, at, pid, unit.sent == 0, stuffing == 0 ? 1 : 3, counters[which]++);
        if (stuffing > 0) {
            target[at + HEADER] = (byte) (stuffing - 1);
            if (stuffing > 1) {
                target[at + HEADER + 1] = 0;
                Arrays.fill(target, at + HEADER + 2, at + HEADER + stuffing, (byte) 0xff);
            }
        }
        System.arraycopy(unit.bytes, unit.sent, target, at + HEADER + stuffing, size);
        unit.sent += size;
    }

    /** A frame of silence: its header, and nothing allocated in any band (ISO/IEC 11172-3 §2.4.1). */
    private void beginSound() {
        boolean fast = settings.soundBits() > 256_000;
        int bytes = 144 * settings.soundBits() / 48_000;
        header(sound, AUDIO_STREAM, bytes, nextSound, nextSound);
        sound.reserve(bytes);
        Arrays.fill(sound.bytes, sound.length, sound.length + bytes, (byte) 0);
        int at = sound.length;
        sound.bytes[at] = (byte) 0xff;
        sound.bytes[at + 1] = (byte) 0xfd;
        sound.bytes[at + 2] = (byte) (fast ? 0xe4 : 0xc4);
        sound.bytes[at + 3] = 0x04;
        sound.length += bytes;
        nextSound += SOUND_PERIOD;
    }

    private static void nullPacket(byte[] target, int at) {
        start(target, at, NULL_PID, false, 1, 0);
        Arrays.fill(target, at + HEADER, at + PACKET, (byte) 0xff);
    }
}
