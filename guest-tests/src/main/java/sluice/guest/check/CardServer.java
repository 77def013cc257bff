package sluice.guest.check;

import java.io.Closeable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

import sluice.guest.ChildProcess;
import sluice.guest.Console;
import sluice.guest.build.Folders;
import sluice.vdev.qemu.HostCommand;
import sluice.vdev.qemu.QemuHint;

/** A Sluice process that serves a card and the witness. Closing it ends the process. */
final class CardServer implements Closeable {
    private static final Duration START = Duration.ofSeconds(90);
    private static final Duration SOON = Duration.ofSeconds(10);
    private static final String CARD = "card";
    private static final String WITNESS = "witness";
    private static final String ERROR_FILE = "stderr";

    private final Path folder;
    private final ChildProcess child;
    private final Console output;

    private CardServer(Path folder, List<String> command) throws IOException {
        this.folder = folder;
        child = new ChildProcess(
                new ProcessBuilder(command).redirectError(folder.resolve(ERROR_FILE).toFile()).start(), folder);
        output = Console.of("the card's process", child.process(), this::errors);
    }

    /**
     * Starts it and waits until QEMU can connect.
     *
     * @param launcher the command {@code sluice}
     * @throws IOException it ended, or was not ready in time; the message has its output
     */
    static CardServer start(List<String> launcher, Card card, Setup setup) throws IOException, InterruptedException {
        Path folder = Files.createTempDirectory("sluice-check-");
        List<String> command = new ArrayList<>(launcher);
        command.add("serve");
        command.addAll(devices(folder, card, setup));
        CardServer server;
        try {
            server = new CardServer(folder, command);
        } catch (IOException e) {
            Folders.delete(folder);
            throw e;
        }
        boolean ready = false;
        try {
            for (int i = 0; i < 2; i++) server.output.waitFor("^listening on ", START);
            ready = true;
            return server;
        } finally {
            if (!ready) server.close();
        }
    }

    /** The arguments of {@code sluice serve} for both functions, with sockets and reports in a folder. */
    static List<String> devices(Path folder, Card card, Setup setup) {
        List<String> arguments = new ArrayList<>();
        Path plugin = card.plugin();
        if (plugin != null) arguments.add("--plugin=" + plugin);
        arguments.add("--device=witness,socket-path=%s,stats=%s".formatted(folder.resolve(WITNESS),
                folder.resolve(WITNESS + ".json")));
        arguments.add("--device=%s,socket-path=%s,stats=%s,coherency=%s%s".formatted(card.device(),
                folder.resolve(CARD), folder.resolve(CARD + ".json"), setup.snoops() ? "coherent" : "non-coherent",
                String.join("", card.options().stream().map(option -> "," + option).toList())));
        return arguments;
    }

    /** The sockets of both, in the order of QEMU's arguments: the card is last. */
    static List<Path> sockets(Path folder) {
        return List.of(folder.resolve(WITNESS), folder.resolve(CARD));
    }

    /** QEMU's arguments for both functions. */
    List<String> qemuArguments() {
        List<String> arguments = new ArrayList<>();
        for (Path socket : sockets(folder)) arguments.addAll(List.of("-device", QemuHint.function(socket)));
        return arguments;
    }

    /** The current counters and findings of both. */
    Reports reports() throws IOException, InterruptedException {
        HostCommand.output(List.of("kill", "-USR2", Long.toString(child.process().pid())));
        for (int i = 0; i < 2; i++) output.waitFor("^statistics ", SOON);
        return new Reports(read(WITNESS), read(CARD));
    }

    /** @param card its report, with the findings of all devices of the core */
    record Reports(JsonObject witness, JsonObject card) {}

    private JsonObject read(String name) throws IOException {
        return JsonParser.parseString(Files.readString(folder.resolve(name + ".json"))).getAsJsonObject();
    }

    /** Its standard error; may be empty. */
    private String errors() {
        try {
            return Files.readString(folder.resolve(ERROR_FILE), StandardCharsets.UTF_8).strip();
        } catch (IOException e) {
            return "(what it said cannot be read: " + e.getMessage() + ")";
        }
    }

    @Override
    public void close() throws IOException {
        child.close();
    }
}
