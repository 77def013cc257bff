package sluice.vdev.vfg7350;

import java.util.Arrays;
import java.util.EnumMap;
import java.util.Map;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.vdev.codec.Ratio;
import sluice.vdev.device.Counter;

/**
 * The encoder SAA6752HS as its I²C master sees it: messages of a register number and values, most significant byte
 * first, and commands that start and stop it. Which registers Linux's driver uses, and for what, is in its
 * drivers/media/i2c/saa6752hs.c. Values out of range are replaced, which the log says once for each kind.
 */
final class EncoderChip {
    /** Longest message that is understood: a packet of a table, with a register and a number. */
    static final int LONGEST_MESSAGE = PacketSource.PACKET_BYTES + 2;

    private static final int COMMAND_RESET = 0x00;
    private static final int COMMAND_START = 0x02;
    private static final int COMMAND_STOP = 0x03;
    private static final int COMMAND_PAUSE = 0x04;
    private static final int COMMAND_RECONFIGURE = 0x05;
    private static final int COMMAND_SLEEP = 0x06;
    private static final int COMMAND_RECONFIGURE_NOW = 0x07;
    private static final int STATUS = 0x10;
    private static final int IDENTITY = 0x13;
    private static final int TABLE = 0xc2;
    private static final int MEMORY_WRITE = 0xe0;
    private static final int MEMORY_READ = 0xe1;
    /** Where the encoder's program has the sequence header; 16:9 is bit 6 of the second byte. */
    private static final int SEQUENCE_WORD = 0xa7fe82b0;
    private static final int WIDE = 0x40 << 16;
    private static final int WORD_BYTES = 4;

    private static final int LEAST_VIDEO = 500;
    private static final int MOST_RATE = 27_000;
    private static final int LEAST_TOTAL = 1500;
    /** In kbit/s: packets of tables and clock, and the last packets of pictures, which are not full. */
    private static final int OVERHEAD = 110;
    /** In kbit/s: packets of sound at its lower and its higher rate. */
    private static final int SOUND = 320;
    private static final int FAST_SOUND = 445;
    /** Of a packet, what is behind its header. */
    private static final int PAYLOAD_PER_MILLE = 978;
    private static final int KILO = 1000;
    private static final int MOST_BETWEEN = 7;
    private static final int MOST_QUANTIZER = 31;
    private static final int PID_MASK = 0x1fff;
    private static final int TRANSPORT_STREAM = 5;
    private static final Logger LOG = LoggerFactory.getLogger(EncoderChip.class);

    /** Registers with their width in bytes and their value after a reset, which is what Linux's driver sets by default. */
    private enum Register {
        LINES(0x40, 1, 0),
        FORMAT(0x41, 1, 0),
        RATE_MODE(0x71, 1, 0),
        PICTURE_GROUP(0x72, 2, 0x030d), //
        MEAN_RATE(0x80, 2, 4000),
        PEAK_RATE(0x81, 2, 6000),
        LEAST_QUANTIZER(0x82, 1, 4),
        MOST_QUANTIZER(0x83, 1, 12), //
        SOUND_CODING(0x93, 1, 0),
        SOUND_RATE(0x94, 1, 0),
        MUTE(0xa4, 1, 0),
        OUTPUT(0xb0, 1, TRANSPORT_STREAM), //
        TOTAL_RATE(0xb1, 2, 7024),
        VIDEO_PID(0xc0, 2, 0x100),
        AUDIO_PID(0xc1, 2, 0x104),
        CLOCK_PID(0xc4, 2, 0x103), //
        PROTOCOL(0xd0, 1, 0x81),
        LEADING_ZEROS(0xf6, 2, 0);

        private final int number;
        private final int bytes;
        private final int initial;

        Register(int number, int bytes, int initial) {
            this.number = number;
            this.bytes = bytes;
            this.initial = initial;
        }

        static @Nullable Register of(int number) {
            for (Register register : values()) if (register.number == number) return register;
            return null;
        }
    }

    private final Map<Register, Integer> values = new EnumMap<>(Register.class);
    private final StreamSettings.@Nullable Table[] tables = new StreamSettings.@Nullable Table[2];
    private int sequenceWord;
    private int memoryAddress;
    private boolean running;
    private boolean changed;
    /** What is read next: a register number, and how many bytes of it were read. */
    private int reading;
    private int read;
    private final Map<Replaced, Boolean> told = new EnumMap<>(Replaced.class);
    private final Counter unknown = new Counter();

    /** What the log says once. */
    private enum Replaced {
        FORMAT,
        VIDEO_RATE,
        PEAK_RATE,
        TOTAL_RATE,
        PICTURE_GROUP,
        BETWEEN,
        QUANTIZER,
        PID,
        SAME_PID,
        OUTPUT,
        SOUND,
        TABLE,
        UNKNOWN,
        LENGTH
    }

    EncoderChip() {
        reset();
    }

    /** Number of messages that were not understood. */
    Counter unknown() {
        return unknown;
    }

    /** Its reset line is pulled: it stops and forgets all settings. */
    void reset() {
        running = false;
        changed = true;
        forget();
        reading = 0;
        read = 0;
    }

    private void forget() {
        for (Register register : Register.values()) values.put(register, register.initial);
        tables[0] = null;
        tables[1] = null;
        sequenceWord = 0;
    }

    private int get(Register register) {
        Integer value = values.get(register);
        return value == null ? register.initial : value;
    }

    /**
     * A message ends.
     *
     * @param bytes of it; only the first {@code length} count
     * @param length 0 or more; more than {@link #LONGEST_MESSAGE} is a message that was cut
     */
    void message(byte[] bytes, int length) {
        if (length == 0) return;
        int number = bytes[0] & 0xff;
        reading = number;
        read = 0;
        if (length > LONGEST_MESSAGE) {
            misunderstood(Replaced.LENGTH, "a message of more than %d bytes".formatted(LONGEST_MESSAGE));
        } else if (length == 1) {
            command(number);
        } else if (number == TABLE) {
            table(bytes, length);
        } else if (number == MEMORY_READ && length == 1 + WORD_BYTES) {
            memoryAddress = word(bytes, 1);
        } else if (number == MEMORY_WRITE && length == 1 + 2 * WORD_BYTES) {
            writeMemory(word(bytes, 1), word(bytes, 1 + WORD_BYTES));
        } else {
            register(number, bytes, length);
        }
    }

    private static int word(byte[] bytes, int at) {
        int value = 0;
        for (int i = 0; i < WORD_BYTES; i++) value = value << Byte.SIZE | (bytes[at + i] & 0xff);
        return value;
    }

    private void command(int number) {
        switch (number) {
            case COMMAND_RESET -> reset();
            case COMMAND_START -> {
                running = true;
                changed = true;
            }
            case COMMAND_STOP, COMMAND_PAUSE, COMMAND_SLEEP -> {
                running = false;
                changed = true;
            }
            // Settings hold as soon as they are written.
            case COMMAND_RECONFIGURE, COMMAND_RECONFIGURE_NOW, STATUS, IDENTITY -> {
            }
            default -> misunderstood(Replaced.UNKNOWN, "command 0x%x".formatted(number));
        }
    }

    private void table(byte[] bytes, int length) {
        int number = bytes[1] & 0xff;
        if (number >= tables.length || length < 3 + WORD_BYTES || bytes[2] != 0x47) {
            misunderstood(Replaced.TABLE, "table %d, which has no packet of a transport stream".formatted(number));
            return;
        }
        byte[] packet = new byte[PacketSource.PACKET_BYTES];
        Arrays.fill(packet, (byte) 0xff);
        System.arraycopy(bytes, 2, packet, 0, length - 2);
        tables[number] = new StreamSettings.Table(packet);
        changed = true;
    }

    private void writeMemory(int address, int value) {
        if (address != SEQUENCE_WORD) {
            misunderstood(Replaced.UNKNOWN, "address 0x%x".formatted(address));
        } else {
            sequenceWord = value;
            changed = true;
        }
    }

    private void register(int number, byte[] bytes, int length) {
        Register register = Register.of(number);
        if (register == null || length != 1 + register.bytes) {
            misunderstood(Replaced.UNKNOWN, "register 0x%x with %d bytes".formatted(number, length - 1));
            return;
        }
        int value = 0;
        for (int i = 1; i < length; i++) value = value << Byte.SIZE | (bytes[i] & 0xff);
        // The format resets all others.
        if (register == Register.FORMAT) forget();
        values.put(register, value);
        changed = true;
    }

    private void misunderstood(Replaced kind, String what) {
        unknown.increment();
        tell(kind, "the encoder does not know " + what + ", and ignores it");
    }

    private void tell(Replaced kind, String sentence) {
        if (told.put(kind, true) == null) LOG.warn("{}", sentence);
    }

    /** A byte is read after the register was set by a message. Unknown ones are 0. */
    int read() {
        int index = read++;
        if (reading != MEMORY_READ || memoryAddress != SEQUENCE_WORD || index >= WORD_BYTES) return 0;
        return sequenceWord >>> (Byte.SIZE * (WORD_BYTES - 1 - index)) & 0xff;
    }

    /** Whether the driver has started it. */
    boolean isRunning() {
        return running;
    }

    /** Whether a command or a setting came since the last call. */
    boolean takeChange() {
        boolean was = changed;
        changed = false;
        return was;
    }

    // ---- what the settings mean

    /** The settings now. */
    StreamSettings settings() {
        int total = rate(Register.TOTAL_RATE, LEAST_TOTAL, Replaced.TOTAL_RATE, "total");
        boolean constant = get(Register.RATE_MODE) != 0;
        int peak = rate(Register.PEAK_RATE, LEAST_VIDEO, Replaced.VIDEO_RATE, "video");
        boolean fastSound = get(Register.SOUND_RATE) != 0;
        int room = (total - OVERHEAD - (fastSound ? FAST_SOUND : SOUND)) * PAYLOAD_PER_MILLE / KILO;
        if (peak > room) {
            tell(Replaced.PEAK_RATE, "a video rate of %d kbit/s does not fit into a stream of %d kbit/s: it is %d"
                    .formatted(peak, total, room));
            peak = room;
        }
        int mean = constant
                ? peak
                : Math.min(rate(Register.MEAN_RATE, LEAST_VIDEO, Replaced.VIDEO_RATE, "video"), peak);
        int format = get(Register.FORMAT);
        if (format > 3) tell(Replaced.FORMAT, "the encoder has no format %d: it uses D1".formatted(format));
        boolean lines525 = (get(Register.LINES) & 1) != 0;
        int fullHeight = lines525 ? 480 : 576;
        if (get(Register.OUTPUT) != TRANSPORT_STREAM)
            tell(Replaced.OUTPUT,
                    "the encoder makes transport streams only, not output format %d".formatted(get(Register.OUTPUT)));
        int group = ranged(get(Register.PICTURE_GROUP) & 0xff, 1, 0xff, Replaced.PICTURE_GROUP,
                "a group of %d pictures");
        int between = ranged((get(Register.PICTURE_GROUP) >>> Byte.SIZE) - 1, 0, Math.min(MOST_BETWEEN, group - 1),
                Replaced.BETWEEN, "%d B-pictures in a row");
        int video = pid(Register.VIDEO_PID);
        int audio = pid(Register.AUDIO_PID);
        int clock = pid(Register.CLOCK_PID);
        boolean sound = get(Register.SOUND_CODING) == 0;
        if (!sound) tell(Replaced.SOUND, "the encoder has no AC-3: the stream is without sound");
        if (sound && audio == video) {
            tell(Replaced.SAME_PID,
                    "PID 0x%x is that of pictures and sound: the stream is without sound".formatted(audio));
            sound = false;
        }
        return new StreamSettings(format == 3 || format == 2 ? 352 : format == 1 ? 480 : 720,
                format == 3 ? fullHeight / 2 : fullHeight, lines525 ? new Ratio(30_000, 1001) : new Ratio(25, 1),
                (sequenceWord & WIDE) != 0, mean * KILO, peak * KILO, total * KILO, group, between,
                ranged(get(Register.LEAST_QUANTIZER), 1, MOST_QUANTIZER, Replaced.QUANTIZER, "a quantizer scale of %d"),
                sound, fastSound ? 384_000 : 256_000, video, audio, clock, tables[0], tables[1]);
    }

    private int rate(Register register, int least, Replaced kind, String what) {
        return ranged(get(register), least, MOST_RATE, kind, "a " + what + " rate of %d kbit/s");
    }

    private int ranged(int value, int least, int most, Replaced kind, String what) {
        int right = Math.clamp(value, least, most);
        if (right != value)
            tell(kind, "%s is out of range: the encoder uses %d".formatted(what.formatted(value), right));
        return right;
    }

    private int pid(Register register) {
        int value = get(register);
        if ((value & PID_MASK) != value)
            tell(Replaced.PID,
                    "PID 0x%x has more than 13 bits: the encoder uses 0x%x".formatted(value, value & PID_MASK));
        return value & PID_MASK;
    }
}
