package sluice.bench.codec;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import sluice.vdev.qemu.CacheFolder;
import sluice.vdev.qemu.HostCommand;

/**
 * A clip of H.264, High profile with B-pictures, in coded pictures: made by Debian's ffmpeg into the cache folder, once. It is played
 * {@link #PASSES} times in a row, so that opening a session and first touching its buffers, which players do once in minutes, do not
 * weigh as if it were done every few seconds.
 *
 * @param units coded pictures in the order of the stream, in native memory; each pass begins with a key picture
 */
record Clip(int width, int height, List<MemorySegment> units) {
    static final int FRAMES = 200;
    static final int PASSES = 3;
    /** Of the largest coded picture. */
    static final int UNIT_BYTES = 1 << 20;
    private static final String TOOLS = "ffmpeg/trixie";
    private static final Duration LIMIT = Duration.ofMinutes(10);
    /** NAL unit type 9, an access unit delimiter (ITU-T H.264, table 7-1). */
    private static final int DELIMITER = 9;
    private static final int NAL_TYPES = 0x1f;
    /** To be changed with what the clips contain. */
    private static final int VERSION = 1;
    /** Bits for a pixel: 10 Mbit/s for 1080p. */
    private static final double BITS = 0.2;
    private static final int RATE = 25;

    /**
     * A clip, made if the cache does not have it.
     *
     * @param width in pixels, even
     * @param height even
     * @param memory for its units
     * @throws IOException there is no ffmpeg in the cache, or it fails
     */
    static Clip load(int width, int height, CacheFolder cache, Arena memory) throws IOException, InterruptedException {
        Path file = cache.folder("clips").resolve("bench-%dx%d-%d.h264".formatted(width, height, VERSION));
        if (!Files.exists(file)) make(cache.path().resolve(TOOLS), file, width, height);
        List<MemorySegment> units = cut(Files.readAllBytes(file), memory);
        if (units.size() != FRAMES)
            throw new IOException("%s has %d pictures instead of %d: delete it".formatted(file, units.size(), FRAMES));
        List<MemorySegment> passes = new ArrayList<>();
        for (int i = 0; i < PASSES; i++) passes.addAll(units);
        return new Clip(width, height, List.copyOf(passes));
    }

    private static void make(Path tools, Path file, int width, int height) throws IOException, InterruptedException {
        Path program = tools.resolve("usr/bin/ffmpeg");
        if (!Files.isExecutable(program))
            throw new IOException("there is no ffmpeg in %s to make a clip with: run guest-tests/host/packages.sh tests"
                    .formatted(tools));
        Path libraries = tools.resolve("usr/lib/x86_64-linux-gnu");
        Path unfinished = Files.createTempFile(file.getParent(), "unfinished-", ".h264");
        try {
            List<String> command = new ArrayList<>(List.of(libraries.resolve("ld-linux-x86-64.so.2").toString(),
                    "--inhibit-cache", "--library-path", libraries.toString(), program.toString(), "-hide_banner",
                    "-nostdin", "-loglevel", "error", "-y"));
            command.addAll(content(width, height));
            command.add(unfinished.toString());
            HostCommand.output(command, LIMIT);
            Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(unfinished);
        }
    }

    private static List<String> content(int width, int height) {
        int rate = (int) (width * height * BITS * RATE);
        return List.of("-f", "lavfi", "-i",
                "testsrc2=size=%dx%d:rate=%d,noise=alls=6:allf=t".formatted(width, height, RATE), "-frames:v",
                Integer.toString(FRAMES), "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "medium", "-profile:v",
                "high", "-bf", "3", "-g", "50", "-b:v", Integer.toString(rate), "-maxrate",
                Integer.toString(rate * 3 / 2), "-bufsize", Integer.toString(rate), "-bsf:v",
                "h264_metadata=aud=insert", "-f", "h264");
    }

    /** A stream of Annex B, at its delimiters. */
    private static List<MemorySegment> cut(byte[] stream, Arena memory) {
        List<MemorySegment> units = new ArrayList<>();
        int begin = -1;
        for (int i = 1; i + 3 < stream.length; i++) {
            if (stream[i] != 0 || stream[i + 1] != 0 || stream[i + 2] != 1
                    || (stream[i + 3] & NAL_TYPES) != DELIMITER)
                continue;
            // The delimiter's start code has a fourth byte.
            if (begin >= 0) units.add(copy(stream, begin, i - 1, memory));
            begin = i - 1;
        }
        if (begin >= 0) units.add(copy(stream, begin, stream.length, memory));
        return units;
    }

    private static MemorySegment copy(byte[] stream, int from, int to, Arena memory) {
        MemorySegment unit = memory.allocate(to - from);
        MemorySegment.copy(stream, from, unit, ValueLayout.JAVA_BYTE, 0, to - from);
        return unit;
    }
}
