package sluice.guest;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

import org.jspecify.annotations.Nullable;

/** A running virtual machine. Closing it kills it and removes its private folder. */
public final class Qemu implements AutoCloseable {
    static final String QMP_SOCKET = "qmp";
    static final String QTEST_SOCKET = "qtest";
    static final String IDLE_FIRMWARE = "idle";
    private static final int FIRMWARE_SIZE = 64 * 1024;
    private static final int RESET_VECTOR = FIRMWARE_SIZE - 16;
    /** cli; hlt; jmp to the hlt. */
    private static final byte[] HALT = { (byte) 0xFA, (byte) 0xF4, (byte) 0xEB, (byte) 0xFD };
    private static final String ERROR_FILE = "stderr";
    private static final Duration START_LIMIT = Duration.ofSeconds(30);
    private static final int SHOWN_ERRORS = 4000;

    private final Path folder;
    private final ChildProcess child;
    private final Console console;
    private @Nullable Qmp qmp;
    private @Nullable QtestSession qtest;

    private Qemu(QemuLaunch launch, Path folder) throws IOException {
        this.folder = folder;
        ProcessBuilder builder = new ProcessBuilder(launch.command(folder))
                .redirectError(folder.resolve(ERROR_FILE).toFile());
        child = new ChildProcess(builder.start(), folder);
        console = new Console("the guest", child.process().getInputStream(), child.process().getOutputStream(),
                this::errors, launch.consoleListener());
    }

    static Qemu start(QemuLaunch launch, Path folder) throws IOException, InterruptedException {
        try (ControlSocket qmpSocket = new ControlSocket(folder.resolve(QMP_SOCKET));
                ControlSocket qtestSocket = new ControlSocket(folder.resolve(QTEST_SOCKET))) {
            if (launch.wantsQtest())
                Files.write(folder.resolve(IDLE_FIRMWARE), idleFirmware());
            Qemu qemu = new Qemu(launch, folder);
            try {
                qemu.qmp = new Qmp(qmpSocket.accept(qemu.process(), START_LIMIT));
                if (launch.wantsQtest()) {
                    qemu.qtest = new QtestSession(qtestSocket.accept(qemu.process(), START_LIMIT));
                }
                return qemu;
            } catch (IOException failure) {
                IOException explained = new IOException(
                        "QEMU did not start: " + failure.getMessage() + "\n" + qemu.errors(), failure);
                qemu.close();
                throw explained;
            } catch (InterruptedException interrupted) {
                qemu.close();
                throw interrupted;
            }
        }
    }

    private static byte[] idleFirmware() {
        byte[] firmware = new byte[FIRMWARE_SIZE];
        System.arraycopy(HALT, 0, firmware, RESET_VECTOR, HALT.length);
        return firmware;
    }

    /** The guest's first serial line. */
    public Console console() {
        return console;
    }

    /** The machine protocol. */
    public Qmp qmp() {
        if (qmp == null)
            throw new IllegalStateException("the machine has not started");
        return qmp;
    }

    /** The test protocol; only after {@link QemuLaunch#qtest()}. */
    public QtestSession qtest() {
        if (qtest == null)
            throw new IllegalStateException("this machine was not started for qtest");
        return qtest;
    }

    /** QEMU itself. */
    public Process process() {
        return child.process();
    }

    /**
     * Compares the screen with an expected picture. A back-end sends pictures to QEMU by a socket, and the guest cannot
     * know when QEMU has read them, so the comparison is repeated until the limit.
     *
     * @param file PNG file for the last screen
     * @return the difference of the last screen, or empty
     * @throws IOException the size is still wrong at the limit, or QEMU has ended
     */
    public Optional<Picture.Difference> awaitScreen(Picture expected, Path file, Duration limit)
            throws IOException, InterruptedException {
        long deadline = System.nanoTime() + limit.toNanos();
        while (true) {
            boolean last = System.nanoTime() > deadline;
            qmp().screendump(file);
            Picture shown = Picture.read(file);
            if (last || (shown.width() == expected.width() && shown.height() == expected.height())) {
                Optional<Picture.Difference> difference = expected.difference(shown);
                if (last || difference.isEmpty()) return difference;
            }
        }
    }

    /** The same, without keeping the picture. */
    public Optional<Picture.Difference> awaitScreen(Picture expected, Duration limit)
            throws IOException, InterruptedException {
        return awaitScreen(expected, folder.resolve("screen.png"), limit);
    }

    /**
     * Waits until QEMU exits, for example after the guest's power-off.
     *
     * @return its exit status
     * @throws IOException timeout
     */
    public int waitForEnd(Duration limit) throws IOException, InterruptedException {
        if (!process().waitFor(limit.toMillis(), TimeUnit.MILLISECONDS)) {
            throw new IOException("QEMU still runs after " + limit.toMillis() + " ms. The guest's last lines:\n"
                    + console.tail() + "\n" + errors());
        }
        return process().exitValue();
    }

    /** The last 4000 characters of QEMU's standard error; may be empty. */
    public String errors() {
        try {
            byte[] all = Files.readAllBytes(folder.resolve(ERROR_FILE));
            String text = new String(all, StandardCharsets.UTF_8).strip();
            if (text.isEmpty())
                return "";
            return "QEMU said:\n" + text.substring(Math.max(0, text.length() - SHOWN_ERRORS));
        } catch (IOException unreadable) {
            return "(what QEMU said cannot be read: " + unreadable.getMessage() + ")";
        }
    }

    @Override
    public void close() throws IOException {
        child.close();
        if (qmp != null)
            qmp.close();
        if (qtest != null)
            qtest.close();
    }
}
