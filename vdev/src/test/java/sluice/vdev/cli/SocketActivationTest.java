package sluice.vdev.cli;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import sluice.dmacore.linux.UnixSocket;
import sluice.vdev.fixture.FrontEnd;
import sluice.vdev.loopback.CProgram;

import static org.assertj.core.api.Assertions.assertThat;

/** A service manager makes the sockets, and starts Sluice with them: sd_listen_fds(3). */
@Timeout(120)
class SocketActivationTest {
    @TempDir
    private Path folder;

    private SluiceProgram activated(List<Path> sockets, String... arguments) throws IOException {
        List<String> command = new ArrayList<>(List.of(CProgram.activate(folder).toString()));
        for (Path socket : sockets) command.add(socket.toString());
        command.add("--");
        command.addAll(SluiceProgram.command(arguments));
        return SluiceProgram.start(folder, new ProcessBuilder(command));
    }

    /** The launcher keeps its process id, so the sockets are still for it. */
    @Test
    void eachDeviceWithoutASocketGetsOne() throws IOException {
        Path gpu = folder.resolve("gpu.sock");
        Path input = folder.resolve("input.sock");
        Path own = folder.resolve("own.sock");
        try (SluiceProgram program = activated(List.of(gpu, input), "serve", "--device=gpu",
                "--device=gpu,socket-path=" + own, "--device=input,kind=keyboard")) {
            program.awaitLine("listening on " + own);
            for (int i = 0; i < 2; i++) { // one front-end after the other
                try (FrontEnd first = new FrontEnd(UnixSocket.connect(gpu));
                        FrontEnd second = new FrontEnd(UnixSocket.connect(input));
                        FrontEnd third = new FrontEnd(UnixSocket.connect(own))) {
                    assertThat(first.getFeatures()).isNotZero();
                    assertThat(second.getFeatures()).isNotZero();
                    assertThat(third.getFeatures()).isNotZero();
                }
            }
            program.terminate();
            assertThat(program.status()).as(program.errors()).isZero();
        }
        assertThat(gpu).as("the service manager's own").exists();
        assertThat(own).doesNotExist();
    }

    @Test
    void aDeviceOfItsOwnCommandGetsTheFirst() throws IOException {
        Path gpu = folder.resolve("gpu.sock");
        try (SluiceProgram program = activated(List.of(gpu), "gpu")) {
            program.awaitLine("listening on ");
            try (FrontEnd front = new FrontEnd(UnixSocket.connect(gpu))) {
                assertThat(front.getFeatures()).isNotZero();
            }
            program.terminate();
            assertThat(program.status()).as(program.errors()).isZero();
        }
    }
}
