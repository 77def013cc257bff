package sluice.guest;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.Channels;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.ReentrantLock;

import org.jspecify.annotations.Nullable;

import sluice.guest.build.Folders;

/**
 * The bus that QEMU's D-Bus display connects to, with QEMU as its only member: just what it asks for (D-Bus Specification,
 * "Message Bus Messages"), and calls to it. Of QEMU's displays this is the one that tells a vhost-user GPU of a new size
 * without OpenGL: VNC refuses such a GPU ("The console requires display DMABUF support").
 */
final class DisplayBus implements AutoCloseable {
    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final String QEMU = ":1.1";
    private static final String OURS = ":1.2";
    private static final String BUS = "org.freedesktop.DBus";
    private static final int PRIMARY_OWNER = 1;

    private final Path folder;
    private final ServerSocketChannel server;
    private final ReentrantLock writing = new ReentrantLock();
    private final Map<Integer, CompletableFuture<DBusMessage>> calls = new ConcurrentHashMap<>();
    private final CompletableFuture<OutputStream> named = new CompletableFuture<>();
    private @Nullable SocketChannel channel;
    private int lastSerial;

    /** Listens; QEMU connects while it starts, so the arguments must be given to one that is started afterwards. */
    DisplayBus() throws IOException {
        folder = Files.createTempDirectory("sluice-bus-");
        server = ServerSocketChannel.open(StandardProtocolFamily.UNIX);
        server.bind(UnixDomainSocketAddress.of(folder.resolve("bus")));
        Thread.ofPlatform().daemon().name("display bus").start(this::serve);
    }

    /** What makes QEMU connect. */
    List<String> qemuArguments() {
        return List.of("-display", "dbus,addr=unix:path=" + folder.resolve("bus"));
    }

    /**
     * Tells QEMU that the first display's window has a new size, in pixels, as a user does who drags its corner (QEMU manual,
     * "D-Bus display", org.qemu.Display1.Console.SetUIInfo).
     *
     * @throws IOException QEMU did not connect, refused, or did not answer in time
     */
    void resize(int width, int height) throws IOException, InterruptedException {
        ByteBuffer body = ByteBuffer.allocate(20).order(ByteOrder.LITTLE_ENDIAN);
        // The size in millimetres and the position, all unknown.
        body.putShort((short) 0).putShort((short) 0).putInt(0).putInt(0).putInt(width).putInt(height);
        CompletableFuture<DBusMessage> answer = new CompletableFuture<>();
        try {
            OutputStream out = named.get(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
            send(out, DBusMessage.CALL,
                    Map.of(DBusMessage.PATH, "/org/qemu/Display1/Console_0", DBusMessage.INTERFACE,
                            "org.qemu.Display1.Console", DBusMessage.MEMBER, "SetUIInfo", DBusMessage.DESTINATION, QEMU,
                            DBusMessage.SENDER, OURS, DBusMessage.SIGNATURE, "qqiiuu"),
                    body.array(), answer);
            DBusMessage answered = answer.get(LIMIT.toMillis(), TimeUnit.MILLISECONDS);
            if (answered.type() != DBusMessage.RETURN) {
                throw new IOException("QEMU refused the new size: " + answered.text(DBusMessage.ERROR_NAME) + " "
                        + new String(answered.body(), StandardCharsets.UTF_8));
            }
        } catch (TimeoutException late) {
            throw new IOException("QEMU's display did not answer within " + LIMIT.toSeconds() + " s", late);
        } catch (ExecutionException failure) {
            throw new IOException("the connection to QEMU's display has failed", failure.getCause());
        }
    }

    private void serve() {
        try {
            SocketChannel accepted = server.accept();
            channel = accepted;
            DataInputStream in = new DataInputStream(Channels.newInputStream(accepted));
            OutputStream out = Channels.newOutputStream(accepted);
            authenticate(in, out);
            while (true) {
                DBusMessage message = DBusMessage.read(in);
                if (message.type() == DBusMessage.CALL) {
                    answer(message, out);
                } else {
                    CompletableFuture<DBusMessage> call = calls.remove(message.replySerial());
                    if (call != null) call.complete(message);
                }
            }
        } catch (IOException ended) { // by QEMU's end or by close(); whoever waits is told
            named.completeExceptionally(ended);
            calls.values().forEach(call -> call.completeExceptionally(ended));
        }
    }

    /** The server's side of the authentication: the socket is in a private folder, so everybody is welcome. */
    private static void authenticate(DataInputStream in, OutputStream out) throws IOException {
        in.readByte(); // the zero that comes before all
        for (String line = line(in); !line.equals("BEGIN"); line = line(in)) {
            String reply = line.startsWith("AUTH EXTERNAL ")
                    ? "OK " + "0".repeat(32)
                    : line.startsWith("AUTH") ? "REJECTED EXTERNAL" : "ERROR";
            out.write((reply + "\r\n").getBytes(StandardCharsets.US_ASCII));
            out.flush();
        }
    }

    private static String line(DataInputStream in) throws IOException {
        StringBuilder line = new StringBuilder();
        for (int next = in.readUnsignedByte(); next != '\n'; next = in.readUnsignedByte()) {
            if (next != '\r') line.append((char) next);
        }
        return line.toString();
    }

    private void answer(DBusMessage call, OutputStream out) throws IOException {
        Map<Integer, Object> fields = new HashMap<>(Map.of(DBusMessage.REPLY_SERIAL, call.serial(),
                DBusMessage.DESTINATION, QEMU, DBusMessage.SENDER, BUS));
        switch (call.text(DBusMessage.MEMBER)) {
            case "Hello" -> {
                fields.put(DBusMessage.SIGNATURE, "s");
                send(out, DBusMessage.RETURN, fields, DBusMessage.stringBody(QEMU), null);
            }
            case "RequestName" -> {
                fields.put(DBusMessage.SIGNATURE, "u");
                send(out, DBusMessage.RETURN, fields, new byte[]{ PRIMARY_OWNER, 0, 0, 0 }, null);
                named.complete(out);
            }
            case "AddMatch", "RemoveMatch" -> send(out, DBusMessage.RETURN, fields, new byte[0], null);
            default -> {
                fields.put(DBusMessage.ERROR_NAME, BUS + ".Error.UnknownMethod");
                send(out, DBusMessage.ERROR, fields, new byte[0], null);
            }
        }
    }

    private void send(OutputStream out, int type, Map<Integer, Object> fields, byte[] body,
            @Nullable CompletableFuture<DBusMessage> answer) throws IOException {
        writing.lock();
        try {
            int serial = ++lastSerial;
            if (answer != null) calls.put(serial, answer);
            out.write(new DBusMessage(type, serial, fields, body).encode());
            out.flush();
        } finally {
            writing.unlock();
        }
    }

    @Override
    public void close() throws IOException {
        server.close();
        SocketChannel accepted = channel;
        if (accepted != null) accepted.close();
        Folders.delete(folder);
    }
}
