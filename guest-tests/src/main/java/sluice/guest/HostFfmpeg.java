package sluice.guest;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import sluice.guest.build.ContentHash;
import sluice.vdev.qemu.CacheFolder;
import sluice.vdev.qemu.HostCommand;

/** Debian's ffmpeg, as {@code packages.sh video} unpacks it, on this host: makes clips, and tells what is right. */
public final class HostFfmpeg {
    private static final String ROOT = "ffmpeg/trixie";
    private static final Duration LIMIT = Duration.ofMinutes(2);

    private final CacheFolder cache;

    /** That of a cache folder, which is looked for when it is needed. */
    public HostFfmpeg(CacheFolder cache) {
        this.cache = cache;
    }

    /**
     * What a guest needs to run it.
     *
     * @throws IOException it is not there; the message names the command that unpacks it
     */
    public Path root() throws IOException {
        Path root = cache.path().resolve(ROOT);
        if (!Files.isExecutable(root.resolve("usr/bin/ffmpeg")))
            throw new IOException("no ffmpeg in " + root + ": run guest-tests/host/packages.sh video");
        return root;
    }

    /** Runs it with the libraries of its own suite; what it writes on standard output, as text. */
    String run(List<String> arguments) throws IOException, InterruptedException {
        return new String(output(arguments), StandardCharsets.UTF_8);
    }

    private byte[] output(List<String> arguments) throws IOException, InterruptedException {
        Path root = root();
        Path libraries = root.resolve("usr/lib/x86_64-linux-gnu");
        List<String> command = new ArrayList<>(List.of(libraries.resolve("ld-linux-x86-64.so.2").toString(),
                "--inhibit-cache", "--library-path", libraries.toString(), root.resolve("usr/bin/ffmpeg").toString(),
                "-hide_banner", "-nostdin", "-loglevel", "error", "-y"));
        command.addAll(arguments);
        return HostCommand.output(command, LIMIT);
    }

    /**
     * A clip, made if the cache does not have it.
     *
     * @param arguments that make it, without the file
     * @param suffix of its name, which tells the container
     * @throws IOException there is no ffmpeg, or it fails
     */
    public Path clip(List<String> arguments, String suffix) throws IOException, InterruptedException {
        ContentHash hash = new ContentHash();
        arguments.forEach(argument -> hash.text("argument", argument));
        Path file = cache.folder("clips").resolve(hash.hex() + suffix);
        if (Files.exists(file)) return file;
        Path unfinished = Files.createTempFile(file.getParent(), "unfinished-", suffix);
        try {
            List<String> all = new ArrayList<>(arguments);
            all.add(unfinished.toString());
            run(all);
            return Files.move(unfinished, file, StandardCopyOption.ATOMIC_MOVE);
        } finally {
            Files.deleteIfExists(unfinished);
        }
    }

    /** MD5 of each frame, its planes without padding, as libavcodec decodes a clip: in the order of display. */
    public List<String> frames(Path clip) throws IOException, InterruptedException {
        return framesIn(run(List.of("-i", clip.toString(), "-fps_mode", "passthrough", "-f", "framemd5", "-")));
    }

    /** A frame as libavcodec decodes it: its planes without padding, one after the other. */
    public byte[] frame(Path clip, int number) throws IOException, InterruptedException {
        return output(List.of("-i", clip.toString(), "-fps_mode", "passthrough", "-vf",
                "select=eq(n\\,%d)".formatted(number), "-f", "rawvideo", "-"));
    }

    /** MD5 of all its frames together. */
    String md5(Path clip) throws IOException, InterruptedException {
        String said = run(List.of("-i", clip.toString(), "-fps_mode", "passthrough", "-f", "md5", "-"));
        return said.strip().substring("MD5=".length());
    }

    /** Those in the output of {@code -f framemd5}: the last field of each line. */
    public static List<String> framesIn(String said) {
        return said.lines().filter(line -> line.matches("\\d+,.*"))
                .map(line -> line.substring(line.lastIndexOf(',') + 1).strip()).toList();
    }
}
