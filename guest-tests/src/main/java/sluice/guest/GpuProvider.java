package sluice.guest;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import com.google.gson.JsonObject;
import com.google.gson.JsonParser;

/** A source of GPUs for virtual machines; tests run the same suite with several of these. */
public interface GpuProvider {
    /** The manifest of the C peer, for libvirt and QEMU. */
    Path PEER_MANIFEST = Path.of("/usr/share/qemu/vhost-user/50-qemu-gpu.json");

    /** Its name in reports. */
    String name();

    /**
     * Starts a GPU for one machine.
     *
     * @throws IOException it did not start; the message has its output
     */
    Gpu start() throws IOException, InterruptedException;

    /** QEMU's own 2D GPU, in the QEMU process: the reference for the pictures of all others. */
    static GpuProvider builtIn() {
        return new BuiltIn();
    }

    /** The C peer vhost-user-gpu, found by the manifest that its package installs. */
    static GpuProvider peer() {
        return new Peer(PEER_MANIFEST);
    }

    /**
     * A child process that serves a vhost-user GPU and prints on standard output when it is listening.
     *
     * @param name name in reports
     * @param command the command line; {@code --socket-path=PATH} is added to it
     */
    static GpuProvider command(String name, List<String> command) {
        return new Command(name, List.copyOf(command));
    }

    /** The GPU inside QEMU. */
    record BuiltIn() implements GpuProvider {
        @Override
        public String name() {
            return "QEMU's own virtio-gpu-pci";
        }

        @Override
        public Gpu start() {
            return new Gpu.InQemu();
        }

        @Override
        public String toString() {
            return name();
        }
    }

    /**
     * The C peer.
     *
     * @param manifest a vhost-user manifest (QEMU, docs/interop/vhost-user.json)
     */
    record Peer(Path manifest) implements GpuProvider {
        @Override
        public String name() {
            return "C peer vhost-user-gpu";
        }

        /** The program that the manifest names. */
        public Path binary() throws IOException {
            if (!Files.isReadable(manifest)) {
                throw new IOException("the C peer vhost-user-gpu is not installed (no " + manifest
                        + "): run guest-tests/host/packages.sh tests");
            }
            JsonObject content = JsonParser.parseString(Files.readString(manifest)).getAsJsonObject();
            return Path.of(content.get("binary").getAsString());
        }

        @Override
        public Gpu start() throws IOException, InterruptedException {
            return VhostUserGpu.start(name(), List.of(binary().toString()), VhostUserGpu.Readiness.SOCKET);
        }

        @Override
        public String toString() {
            return name();
        }
    }

    /** A program that prints "listening on" when it is ready. */
    record Command(String name, List<String> command) implements GpuProvider {
        @Override
        public Gpu start() throws IOException, InterruptedException {
            return VhostUserGpu.start(name, command, VhostUserGpu.Readiness.SAYS_LISTENING);
        }

        @Override
        public String toString() {
            return name;
        }
    }
}
