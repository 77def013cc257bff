package sluice.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

import com.google.gson.JsonParser;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The way of a newcomer, by the commands of the template's README and nothing else: a copy of the template is built outside of
 * the house, served as a plug-in, and used in a guest by its own driver.
 */
@Tag("guest")
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class TemplateGuestTest {
    private static final Duration BUILD = Duration.ofMinutes(5);
    private static final Duration START = Duration.ofSeconds(30);
    private static final Duration BOOT = Duration.ofSeconds(90);
    private static final Duration END = Duration.ofSeconds(20);
    private static final String COPIED = "^copy: copied 65536 bytes, all of them right";
    private static final String FAULT = "^copy: a fault is reported at 0x200000000000";

    @TempDir
    private static Path scratch = Path.of("");

    /** A block of the README that runs. */
    private static final class Terminal implements AutoCloseable {
        private final Process process;
        private final Path errors;
        private final Console console;

        Terminal(int block) throws IOException {
            String script = TemplateReadme.read().script(block, scratch.resolve("copy-engine"),
                    scratch, TestQemu.CACHE.path());
            errors = scratch.resolve("errors-" + block);
            process = new ProcessBuilder("bash", "-c", script).redirectError(errors.toFile()).start();
            console = new Console("step " + (block + 1), process.getInputStream(), process.getOutputStream(),
                    this::errors, line -> {});
        }

        String errors() {
            try {
                return Files.readString(errors);
            } catch (IOException e) {
                return "(what it said on standard error cannot be read: " + e.getMessage() + ")";
            }
        }

        int status(Duration limit) throws InterruptedException {
            if (!process.waitFor(limit.toMillis(), TimeUnit.MILLISECONDS))
                throw new AssertionError("it has not ended: " + console.tail() + errors());
            return process.exitValue();
        }

        /** Ctrl-C ends what runs in a terminal and not the shell, and so does this. */
        void terminate() {
            if (process.children().findAny().isEmpty()) process.destroy();
            process.descendants().forEach(ProcessHandle::destroy);
        }

        @Override
        public void close() {
            process.descendants().forEach(ProcessHandle::destroyForcibly);
            process.destroyForcibly();
        }
    }

    @Test
    @Order(1)
    void aCopyIsBuiltAndFound() throws Exception {
        try (Terminal build = new Terminal(0)) {
            assertThat(build.status(BUILD)).as("%s%s", build.console.tail(), build.errors()).isZero();
            build.console.waitFor("^gpu: ", END);
            build.console.waitFor("^copy-engine: Copies memory .*target/copy-engine.jar", END);
            build.console.waitFor("^entropy: A virtio entropy source.*target/copy-engine.jar", END);
        }
        assertThat(scratch.resolve("copy-engine/target/copy-engine.jar")).exists();
    }

    @Test
    @Order(2)
    void itWorksInAGuest() throws Exception {
        try (Terminal server = new Terminal(1)) {
            server.console.waitFor("^listening on " + scratch.resolve("copy-engine.sock"), START);
            server.console.waitFor("-device '\\{\"driver\":\"vfio-user-pci\"", START);
            try (Terminal machine = new Terminal(2)) {
                machine.console.waitFor("^copy: found the engine at /sys/bus/pci/devices/0000:00:03.0", BOOT);
                machine.console.waitFor("^copy: waits by looking at the status", END);
                machine.console.waitFor(COPIED, END);
                machine.console.waitFor(FAULT, END);
                machine.console.waitFor("^copy: ok", END);
                machine.console.waitFor("^copy: waits for interrupts", END);
                machine.console.waitFor(COPIED, END);
                machine.console.waitFor(FAULT, END);
                machine.console.waitFor("^copy: ok", END);
                assertThat(machine.status(END)).as(machine.errors()).isZero();
            }
            server.terminate();
            assertThat(server.status(END)).as(server.errors()).isZero();
            assertThat(server.errors()).contains("200000000000").doesNotContain("\tat ").doesNotContain("SEVERE");
            assertThat(scratch.resolve("copy-engine.sock")).doesNotExist();
        }
    }

    @Test
    @Order(3)
    void theVirtioDeviceHasADriverInEveryKernel() throws Exception {
        try (Terminal server = new Terminal(3)) {
            server.console.waitFor("^listening on " + scratch.resolve("entropy.sock"), START);
            try (Terminal machine = new Terminal(4)) {
                machine.console.waitFor("^entropy: the kernel reads virtio_rng", BOOT);
                machine.console.waitFor("^entropy: 64 bytes, the first (?!00000000)[0-9a-f]{8}", END);
                machine.console.waitFor("^entropy: ok", END);
                assertThat(machine.status(END)).as(machine.errors()).isZero();
            }
            server.terminate();
            assertThat(server.status(END)).as(server.errors()).isZero();
            assertThat(server.errors()).doesNotContain("\tat ").doesNotContain("SEVERE");
        }
        String report = Files.readString(scratch.resolve("copy-engine/entropy.json"));
        assertThat(JsonParser.parseString(report).getAsJsonObject().get("bytes").getAsLong())
                .isGreaterThanOrEqualTo(68);
    }
}
