package sluice.vdev.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import com.google.gson.JsonArray;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import sluice.dmacore.linux.Errno;
import sluice.dmacore.linux.UnixSocket;
import sluice.vdev.fixture.Deadline;
import sluice.vdev.fixture.FrontEnd;
import sluice.vdev.fixture.GuestRam;
import sluice.vdev.fixture.VfioUserClient;
import sluice.vdev.loopback.CProgram;
import sluice.vdev.serve.PluginJar;

import static org.assertj.core.api.Assertions.assertThat;

/** {@code sluice serve} as a process: its devices live and fail each for itself, and end together. */
class ServeCommandTest {
    private static final int GRABBER = 0x12238086;
    private static final int VIRTIO_GPU = 0x10501af4;
    private static final int REGISTER = 0x56781234;
    private static final int LIMIT_SECONDS = 60;

    @TempDir
    private Path folder;

    private SluiceProgram serve(String... arguments) throws IOException {
        List<String> all = new ArrayList<>(List.of("serve"));
        all.addAll(List.of(arguments));
        return SluiceProgram.start(folder, all.toArray(String[]::new));
    }

    private void fails(int status, String sentence, String... arguments) throws IOException {
        try (SluiceProgram program = serve(arguments)) {
            assertThat(program.status()).as(program.errors()).isEqualTo(status);
            assertThat(program.errors()).contains(sentence).doesNotContain("\tat ");
            assertThat(program.errors().lines()).hasSize(1);
            if (status == 2) assertThat(program.errors()).endsWith(" (see ./sluice serve --help)\n");
        }
    }

    private VfioUserClient connect(Path socket, int identity) throws IOException {
        VfioUserClient client = new VfioUserClient(UnixSocket.connect(socket));
        client.agree();
        assertThat(client.read32(VfioUserClient.CONFIG_REGION, 0)).isEqualTo(identity);
        return client;
    }

    @Test
    void oneDevicesEndIsNotTheOthers() throws IOException {
        Path jar = PluginJar.build(folder, "Plugged", "register");
        Path gpu = folder.resolve("gpu.sock");
        Path grabber = folder.resolve("grabber.sock");
        Path register = folder.resolve("register,sock");
        Path statistics = folder.resolve("stats.json");
        try (SluiceProgram program = serve("--plugin=" + jar,
                "--device=gpu,socket-path=" + gpu + ",stats=" + statistics,
                "--device=grabber,pattern,fps=30,socket-path=" + grabber,
                "--device=register,value=0x2a,socket-path=" + folder + "/register,,sock")) {
            program.awaitLine("listening on " + register);
            assertThat(program.output().lines().filter(line -> line.startsWith("listening on "))).hasSize(3);
            program.awaitOutput(register + "\""); // as the last hint ends with it
            assertThat(program.output().lines().filter(line -> line.contains("vfio-user-pci"))).hasSize(2);
            try (FrontEnd front = new FrontEnd(UnixSocket.connect(gpu));
                    VfioUserClient first = connect(register, REGISTER)) {
                assertThat(front.getQueueNum()).isEqualTo(2);
                assertThat(first.read32(0, 0)).isEqualTo(0x2a);
                assertThat(first.write(0, 0, (byte) 1)).as("the write that fails in the device").isZero();
                assertThat(first.read32(0, 0)).as("the device goes on").isEqualTo(0x2a);
                try (VfioUserClient leaves = connect(grabber, GRABBER)) {
                    leaves.sendRaw(VfioUserClient.body(16).putInt(1).putInt(1).clear());
                    assertThat(leaves.isClosed()).as("the front-end that breaks the protocol").isTrue();
                }
                assertThat(front.getQueueNum()).isEqualTo(2);
                assertThat(first.read32(0, 0)).isEqualTo(0x2a);
                try (VfioUserClient next = connect(grabber, GRABBER)) {
                    program.terminate();
                    assertThat(program.status()).as(program.errors()).isZero();
                    assertThat(next.isClosed()).isTrue();
                }
                assertThat(first.isClosed()).isTrue();
                assertThat(front.closedWithin(Deadline.USUAL)).isTrue();
            }
            assertThat(program.output()).contains("closed register 42");
            assertThat(gpu).doesNotExist();
            assertThat(grabber).doesNotExist();
            assertThat(register).doesNotExist();
        }
        assertThat(JsonParser.parseString(Files.readString(statistics)).getAsJsonObject().get("frames").getAsInt())
                .isZero();
    }

    @Test
    void inheritedSocketsAreServedToTheirEnd() throws IOException {
        Path statistics = folder.resolve("stats.json");
        List<String> command = new ArrayList<>(List.of(CProgram.pair(folder).toString()));
        command.addAll(SluiceProgram.command("serve", "--device=gpu,fd=@FD@,stats=" + statistics));
        command.addAll(List.of("--", CProgram.frontEnd(folder).toString(), "--fd=@FD@"));
        CProgram.Ended ended = CProgram.run(folder, LIMIT_SECONDS, command.toArray(String[]::new));
        assertThat(ended.output()).contains("first ended with 0").contains("second ended with 0")
                .doesNotContain("not ok").doesNotContain("\tat ");
        assertThat(JsonParser.parseString(Files.readString(statistics)).getAsJsonObject().get("frames").getAsInt())
                .isPositive();
    }

    /** Of two devices that read signals only one would see each. */
    @Test
    void everyDeviceIsAskedForItsPictures() throws IOException {
        Path last = folder.resolve("b.sock");
        try (SluiceProgram program = serve("--device=gpu,socket-path=" + folder.resolve("a.sock"),
                "--device=gpu,socket-path=" + last)) {
            program.awaitLine("listening on " + last);
            CProgram.run(folder, LIMIT_SECONDS, "kill", "-USR2", Long.toString(program.pid()));
            Deadline.in(Deadline.USUAL).require(
                    () -> program.errors().lines().filter(line -> line.contains("no picture taken")).count() == 2,
                    "the answer of both");
            program.terminate();
            assertThat(program.status()).isZero();
        }
    }

    /** Live, without the end of the process; the codec needs its library, and a test of its own. */
    @Test
    void everyDeviceWritesItsStatisticsOnASignal() throws IOException {
        List<String> devices = List.of("gpu", "input", "grabber", "tw686x", "vfg7350,numbered", "witness");
        List<String> arguments = new ArrayList<>();
        List<Path> statistics = new ArrayList<>();
        for (int i = 0; i < devices.size(); i++) {
            statistics.add(folder.resolve("stats, " + i));
            arguments.add("--device=%s,socket-path=%s/%d.sock,stats=%s".formatted(devices.get(i), folder, i,
                    statistics.getLast().toString().replace(",", ",,")));
        }
        try (SluiceProgram program = serve(arguments.toArray(String[]::new))) {
            program.awaitLine("listening on " + folder.resolve(devices.size() - 1 + ".sock"));
            CProgram.run(folder, LIMIT_SECONDS, "kill", "-USR2", Long.toString(program.pid()));
            for (Path file : statistics) program.awaitLine("statistics " + file);
            for (Path file : statistics)
                assertThat(JsonParser.parseString(Files.readString(file)).getAsJsonObject().size()).isPositive();
            program.terminate();
            assertThat(program.status()).as(program.errors()).isZero();
        }
    }

    @Test
    void aGpuMayBeAPciFunctionBesideAnother() throws IOException {
        Path pci = folder.resolve("pci.sock");
        Path plain = folder.resolve("plain.sock");
        try (SluiceProgram program = serve("--device=gpu,transport=vfio-user,socket-path=" + pci,
                "--device=gpu,socket-path=" + plain)) {
            program.awaitLine("listening on " + plain);
            program.awaitOutput("vfio-user-pci", "do not unplug it (device_del)", "do not migrate the VM",
                    "vhost-user-gpu-pci");
            try (VfioUserClient client = connect(pci, VIRTIO_GPU);
                    FrontEnd front = new FrontEnd(UnixSocket.connect(plain))) {
                assertThat(front.getQueueNum()).isEqualTo(2);
                assertThat(client.read32(VfioUserClient.CONFIG_REGION, 0)).isEqualTo(VIRTIO_GPU);
            }
            program.terminate();
            assertThat(program.status()).isZero();
        }
    }

    /** An option of every function, without a word of the plug-in's. */
    @Test
    void aPluginsFunctionTakesFaults() throws IOException {
        Path socket = folder.resolve("register.sock");
        try (SluiceProgram program = serve("--plugin=" + PluginJar.build(folder, "Plugged", "register"),
                "--device=register,inject=fail-map,,from=2,,count=1,inject=fail-map,,from=2,,count=1,,after=9,socket-path="
                        + socket)) {
            program.awaitLine("listening on " + socket);
            try (VfioUserClient client = connect(socket, REGISTER)) {
                int[] answers = new int[4];
                for (int i = 0; i < answers.length; i++)
                    answers[i] = client.map(i * 4096L, 4096, 0, VfioUserClient.MAP_READ);
                assertThat(answers).containsExactly(0, Errno.ENOMEM, Errno.ENOMEM, 0);
            }
            program.terminate();
            assertThat(program.status()).as(program.errors()).isZero();
        }
    }

    /** All or none: what listens already is taken back. */
    @Test
    void aDeviceThatCannotBeServedEndsTheStart() throws IOException {
        Path gpu = folder.resolve("gpu.sock");
        fails(1, "ENOENT", "--device=gpu,socket-path=" + gpu, "--device=grabber,socket-path=/nonexistent/s");
        assertThat(gpu).doesNotExist();
        fails(1, "--fd=777", "--device=gpu,socket-path=" + gpu, "--device=grabber,fd=777");
        assertThat(gpu).doesNotExist();
        fails(1, "the device register cannot be created: java.lang.IllegalStateException: thirteen",
                "--plugin=" + PluginJar.build(folder, "Plugged", "register"), "--device=gpu,socket-path=" + gpu,
                "--device=register,value=13,socket-path=a");
        assertThat(gpu).doesNotExist();
        fails(1, "no such file", "--plugin=/nonexistent.jar", "--list");
    }

    @Test
    void everySocketThatCannotBeIsNamed() throws IOException {
        Path socket = folder.resolve("s.sock");
        fails(1, "cannot listen on /nonexistent/c: bind: ENOENT",
                "--device=input,socket-path=" + socket + ",control=/nonexistent/c");
        fails(1, "cannot listen on /nonexistent/v: bind: ENOENT",
                "--device=gpu,socket-path=" + socket + ",vnc=unix:/nonexistent/v");
        assertThat(socket).doesNotExist();
    }

    @Test
    void wrongUsageExitsWith2() throws IOException {
        fails(2, "the devices are gpu, input, grabber");
        fails(2, "unknown device \"gnu\"; the devices are gpu, input, grabber", "--device=gnu,socket-path=a");
        fails(2, "gpu has no option \"colour\"; its options are outputs, memory",
                "--device=gpu,socket-path=a,colour=red");
        fails(2, "gpu: outputs=17: give a number from 1 to 16", "--device=gpu,socket-path=a,outputs=17");
        fails(2, "gpu: on-fault=panic: give abort, zero or stop", "--device=gpu,socket-path=a,on-fault=panic");
        fails(2, "grabber: coherency=warm: give coherent or non-coherent",
                "--device=grabber,socket-path=a,coherency=warm");
        fails(2, "--flavour=mips: give arm64 or arc", "--flavour=mips", "--device=grabber,socket-path=a");
        fails(2, "grabber has no option \"record\"", "--device=grabber,socket-path=a,record=b");
        fails(2, "grabber: transport=vhost-user: a PCI function can only be served over vfio-user",
                "--device=grabber,socket-path=a,transport=vhost-user");
        fails(2, "register: transport=vhost-user: a PCI function can only be served over vfio-user",
                "--device=register,socket-path=a,transport=vhost-user",
                "--plugin=" + PluginJar.build(folder, "Plugged", "register"));
        fails(2, "register: transport=pigeon: give vhost-user or vfio-user",
                "--device=register,socket-path=a,transport=pigeon", "--plugin=" + folder.resolve("Plugged.jar"));
        fails(2, "register: coherency=warm: give coherent or non-coherent",
                "--device=register,socket-path=a,coherency=warm", "--plugin=" + folder.resolve("Plugged.jar"));
        fails(2, "register: --inject=explode: unknown fault", "--device=register,socket-path=a,inject=explode",
                "--plugin=" + folder.resolve("Plugged.jar"));
        fails(2, "register: --inject=drop-invalidation: not available over vfio-user",
                "--device=register,socket-path=a,inject=drop-invalidation",
                "--plugin=" + folder.resolve("Plugged.jar"));
        fails(2, "grabber: inject=stray-read: not supported by this device",
                "--device=grabber,socket-path=a,inject=stray-read,,address=1");
        fails(2, "socket-path=a is used by two devices", "--device=gpu,socket-path=a",
                "--device=grabber,socket-path=a");
        assertThat(folder.resolve("a")).doesNotExist();
    }

    @Test
    void theListIsForMachinesToo() throws IOException {
        try (SluiceProgram program = serve("--list", "--json")) {
            assertThat(program.status()).isZero();
            JsonObject gpu = JsonParser.parseString(program.output()).getAsJsonObject().getAsJsonArray("devices").get(0)
                    .getAsJsonObject();
            assertThat(gpu.get("name").getAsString()).isEqualTo("gpu");
            assertThat(gpu.getAsJsonArray("options")).hasSizeGreaterThan(8);
        }
    }

    /** Two grabbers that are given the same page have one core, which sees that. */
    @Test
    void devicesOfOneProcessShareOneCore() throws Exception {
        Path first = folder.resolve("a.sock");
        Path second = folder.resolve("b.sock");
        Path statistics = folder.resolve("stats.json");
        Path recording = folder.resolve("all.rec");
        try (SluiceProgram program = serve("--record=" + recording,
                "--device=grabber,coherency=non-coherent,stats=" + statistics + ",socket-path=" + first,
                "--device=grabber,coherency=non-coherent,socket-path=" + second)) {
            program.awaitLine("listening on " + second);
            try (VfioUserClient one = connect(first, GRABBER);
                    VfioUserClient other = connect(second, GRABBER);
                    GuestRam ram = GuestRam.single(GuestRam.PAGE, 1)) {
                int readAndWrite = VfioUserClient.MAP_READ | VfioUserClient.MAP_WRITE;
                assertThat(one.map(0x10000, GuestRam.PAGE, 0, readAndWrite, ram.file())).isZero();
                assertThat(other.map(0x20000, GuestRam.PAGE, 0, readAndWrite, ram.file())).isZero();
                program.terminate();
                assertThat(program.status()).as(program.errors()).isZero();
            }
        }
        JsonArray findings = JsonParser.parseString(Files.readString(statistics)).getAsJsonObject()
                .getAsJsonArray("findings");
        assertThat(findings).as("two that may write are no mistake").isEmpty();
        try (SluiceProgram program = SluiceProgram.start(folder, "trace", recording.toString())) {
            assertThat(program.status()).as(program.errors()).isZero();
            assertThat(program.output()).contains("0x10000").contains("0x20000").contains("2 of them findings",
                    "D17_OVERLAPPING_WRITES was broken once");
        }
    }
}
