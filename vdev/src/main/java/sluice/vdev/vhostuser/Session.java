package sluice.vdev.vhostuser;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.util.concurrent.Future;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import sluice.dmacore.linux.Fd;
import sluice.dmacore.linux.UnixSocket;
import sluice.dmacore.memory.GuestMemory;
import sluice.vdev.device.DisplaySocket;
import sluice.vdev.device.SharedRegion;
import sluice.vdev.device.TransportFeatures;
import sluice.vdev.host.DeviceHost;
import sluice.vdev.host.FileMapper;
import sluice.vdev.host.FrontIommu;
import sluice.vdev.host.MemoryChange;
import sluice.vdev.host.PeerMemory;
import sluice.vdev.io.Backlog;
import sluice.vdev.io.Disposal;
import sluice.vdev.io.FrameChannel;
import sluice.vdev.io.PeerLog;
import sluice.vdev.io.ProtocolViolation;

/**
 * One front-end's session, on the control loop. It never blocks: work for the device's loop is posted there, and its
 * reply takes its place in the queue.
 */
final class Session extends ChannelInboundHandlerAdapter {
    /** VHOST_USER_F_PROTOCOL_FEATURES: the front-end may negotiate protocol features. */
    private static final long F_PROTOCOL_FEATURES = 1L << 30;
    /** Delay after feature negotiation before missing guest memory is reported. */
    private static final int MEMORY_HINT_SECONDS = 3;

    /**
     * Many times what QEMU sends without waiting for answers: eight memory regions, and a dozen messages for each ring.
     */
    private static final Backlog.Limits LIMITS = new Backlog.Limits(256, 1 << 20, 64);

    private static final Logger LOG = LoggerFactory.getLogger(Session.class);

    /** A count, and 256 sizes. */
    private static final int SHARED_MEMORY_BYTES = Long.BYTES * 257;

    private final DeviceHost host;
    private final @Nullable DisplaySocket display;
    private final Disposal disposal;
    private final PeerLog log;
    private final Channel channel;
    private final Runnable gone;
    private final Replies replies;
    private final Backlog backlog;
    private final MemoryTable memory;
    private final PeerMemory peer;
    private final Vrings vrings;
    private final BackEndChannel toFrontEnd;
    /** Whether the front-end has sent memory. */
    private boolean memorySent;
    private long features;
    private boolean featuresSettled;
    private long protocolFeatures;
    private @Nullable Future<?> memoryHint;

    Session(BackEnd backEnd, Channel channel, PeerMemory peer, Runnable gone) {
        this.peer = peer;
        this.host = backEnd.host();
        this.display = backEnd.display();
        this.disposal = host.loop().disposal();
        this.log = host.loop().log();
        this.channel = channel;
        this.gone = gone;
        this.replies = new Replies(channel);
        this.backlog = new Backlog(channel, disposal, LIMITS);
        this.memory = new MemoryTable(new FileMapper(backEnd.files(), disposal), log);
        this.toFrontEnd = new BackEndChannel(log);
        this.vrings = new Vrings(host, channel);
    }

    @Override
    public void channelActive(ChannelHandlerContext context) {
        log.info("{}: a front-end has connected", host.loop().name());
        host.attach(new BackEndRequests(channel.eventLoop(), toFrontEnd, () -> protocolFeatures));
    }

    @Override
    public void channelRead(ChannelHandlerContext context, Object received) throws ProtocolViolation {
        Request request = (Request) received;
        LOG.debug("{}{}", request.message(), request.needReply() ? ", wants an answer" : "");
        if (request.message().isImmediate()) {
            handle(request);
            return;
        }
        int fds = request.message().files().size();
        backlog.begin(request.bytes(), fds);
        try {
            handle(request);
        } finally {
            // After all work that it has posted to the device's loop.
            host.loop().execute(() -> backlog.end(request.bytes(), fds));
        }
    }

    private void handle(Request request) throws ProtocolViolation {
        switch (request.message()) {
            case FrontEndMessage.GetFeatures() -> reply(request, offeredFeatures());
            case FrontEndMessage.GetProtocolFeatures() -> reply(request, ProtocolFeature.offered(host.shared()));
            case FrontEndMessage.GetQueueNum() -> reply(request, vrings.count());
            case FrontEndMessage.GetMaxMemSlots() -> reply(request, MemoryTable.MAX_SLOTS);
            case FrontEndMessage.GetSharedMemory() when host.shared().regions().isEmpty() -> refuse(request,
                    "unsupported request " + request.number() + ": the device has no shared memory regions");
            case FrontEndMessage.GetSharedMemory() -> tellSharedMemory(request);
            case FrontEndMessage.GetConfig get -> getConfig(request, get);
            case FrontEndMessage.GetVringBase get -> vrings.stop(get.index(), replies.expect(request.number()));
            case FrontEndMessage.IotlbUpdate update -> translate(request, update);
            case FrontEndMessage.Unknown unknown -> refuse(request,
                    "unsupported request " + unknown.request());
            case FrontEndMessage.SetFeatures set -> now(request, () -> setFeatures(set.features()));
            case FrontEndMessage.SetProtocolFeatures set -> now(request, () -> setProtocolFeatures(set.features()));
            case FrontEndMessage.SetOwner() -> now(request, () -> {}); // a connection has one owner anyway
            case FrontEndMessage.ResetOwner() ->
                now(request, () -> LOG.debug("RESET_OWNER is deprecated and does nothing"));
            case FrontEndMessage.SetMemTable set ->
                change(request, set.regions().size(), () -> {
                    set.fds().forEach(peer::add);
                    return memory.replace(set.regions(), set.fds());
                });
            case FrontEndMessage.AddMemReg add -> change(request, 1, () -> {
                peer.add(add.fd());
                return memory.add(add.region(), add.fd());
            });
            case FrontEndMessage.RemMemReg remove -> change(request, 0, () -> memory.remove(remove.region()));
            case FrontEndMessage.SetVringNum set -> now(request, () -> vrings.setSize(set.index(), set.size()));
            case FrontEndMessage.SetVringBase set ->
                now(request, () -> vrings.setPosition(set.index(), set.position()));
            case FrontEndMessage.SetVringAddr set -> now(request, () -> vrings.setAddresses(set));
            case FrontEndMessage.SetVringKick set -> now(request, () -> vrings.setKick(set.index(), set.fd()));
            case FrontEndMessage.SetVringCall set -> now(request, () -> vrings.setCall(set.index(), set.fd()));
            case FrontEndMessage.SetVringErr set -> now(request, () -> vrings.setError(set.index(), set.fd()));
            case FrontEndMessage.SetVringEnable set ->
                later(request, done -> host.enable(set.index(), set.enabled(), done));
            case FrontEndMessage.SetBackendReqFd set -> now(request, () -> toFrontEnd.connect(
                    socket("SET_BACKEND_REQ_FD", set.fd()), channel.eventLoop(), disposal));
            case FrontEndMessage.SetConfig set ->
                later(request, done -> host.writeConfig(set.offset(), set.value(), done));
            case FrontEndMessage.GpuSetSocket set -> now(request, () -> setGpuSocket(set.fd()));
            case FrontEndMessage.IotlbInvalidate invalidate ->
                later(request, done -> host.invalidate(invalidate.range(), done));
            case FrontEndMessage.ResetDevice() -> later(request, done -> {
                host.reset(done);
                vrings.reset();
            });
        }
    }

    /** The work of a message without a reply of its own. */
    @FunctionalInterface
    private interface Work {
        void carryOut() throws IOException;
    }

    /** The same, for work that completes later. */
    @FunctionalInterface
    private interface LongWork {
        /** @param done to be run at the end; not if this throws */
        void begin(Runnable done) throws IOException;
    }

    private void now(Request request, Work work) throws ProtocolViolation {
        Replies.Place place = place(request);
        if (isRefused(request, place, work)) return;
        if (place != null) place.answer(0);
    }

    private void later(Request request, LongWork work) throws ProtocolViolation {
        Replies.Place place = place(request);
        Runnable done = place == null ? () -> {} : () -> place.answerLater(0);
        isRefused(request, place, () -> work.begin(done));
    }

    /** The place of the reply, or null if none is requested. */
    private Replies.@Nullable Place place(Request request) throws ProtocolViolation {
        if (!wantsAnswer(request)) return null;
        try {
            return replies.expect(request.number());
        } catch (ProtocolViolation e) {
            disposal.closeAll(request.message().files());
            throw e;
        }
    }

    private boolean isRefused(Request request, Replies.@Nullable Place place, Work work) {
        try {
            work.carryOut();
            return false;
        } catch (IOException | IllegalArgumentException e) {
            log.error("message {} of the front-end is refused: {}", request.number(), e.getMessage());
            if (place != null) place.answer(1);
            return true;
        }
    }

    private boolean wantsAnswer(Request request) {
        return request.needReply() && (protocolFeatures & ProtocolFeature.REPLY_ACK) != 0;
    }

    private void reply(Request request, long value) throws ProtocolViolation {
        replies.expect(request.number()).answer(value);
    }

    private void translate(Request request, FrontEndMessage.IotlbUpdate update) throws ProtocolViolation {
        Replies.Place place = wantsAnswer(request) ? replies.expect(request.number()) : null;
        toFrontEnd.takeInOrder(update::includes,
                () -> host.translate(update.address(), update.size(), update.target(), update.granted(), taken -> {
                    if (place != null) place.answerLater(taken ? 0 : 1);
                }));
    }

    private void refuse(Request request, String why) throws ProtocolViolation {
        log.warn("{}", why);
        if (wantsAnswer(request)) replies.expect(request.number()).answer(1);
    }

    /**
     * QEMU's vhost-user-gpu takes ring features from its own properties and sets some that were not offered. All
     * existing ring features are implemented, so all are offered.
     */
    private long offeredFeatures() {
        return TransportFeatures.offered(host.device()) | F_PROTOCOL_FEATURES;
    }

    /** Parameters of running rings must not change until the rings stop. */
    private void requireSameWhileRunning(String name, long before, long next) throws IOException {
        if (before == next || !vrings.isAnyRunning()) return;
        throw new IOException("%s 0x%x, but the rings already run with 0x%x".formatted(name, next, before));
    }

    private void setProtocolFeatures(long accepted) throws IOException {
        requireSameWhileRunning("SET_PROTOCOL_FEATURES", protocolFeatures, accepted);
        boolean others = protocolFeatures != accepted;
        protocolFeatures = accepted;
        // They determine the target addresses of IOTLB entries.
        if (others && featuresSettled) setFeatures(features);
    }

    private void setFeatures(long accepted) throws IOException {
        requireSameWhileRunning("SET_FEATURES", features, accepted);
        if (vrings.isAnyRunning()) return;
        long more = accepted & ~offeredFeatures();
        if (more != 0)
            log.info("the front-end sets features 0x{} that were not offered; ignored",
                    Long.toHexString(more));
        features = accepted;
        featuresSettled = true;
        vrings.settle(accepted, ringAddressing());
        // QEMU clears the bit if the VM has no IOMMU for this device.
        host.start(accepted, (accepted & TransportFeatures.ACCESS_PLATFORM) == 0 ? null : frontIommu());
        if ((accepted & F_PROTOCOL_FEATURES) == 0) {
            // Without protocol features there is no SET_VRING_ENABLE; rings are enabled when they start.
            for (int i = 0; i < vrings.count(); i++) host.enable(i, true, () -> {});
        }
        expectMemory();
    }

    private FrontIommu frontIommu() {
        return new FrontIommu(ringAddressing(), (address, access, answer) -> channel.eventLoop()
                .execute(() -> toFrontEnd.miss(address, access, result -> answer.accept(result == 0))));
    }

    private void expectMemory() {
        if (memoryHint == null)
            memoryHint = channel.eventLoop().schedule(this::checkMemory, MEMORY_HINT_SECONDS, TimeUnit.SECONDS);
    }

    private void checkMemory() {
        if (!memorySent) {
            tell("sent no guest memory");
            return;
        }
        disposal.whenDone(() -> {
            if (peer.isPrivate()) tell("mapped the guest's memory privately (share=off)");
        });
    }

    private void tell(String what) {
        log.error(
                """
                        the front-end has started the device but {}, so it cannot work; is the VM's memory shared? Start QEMU with \
                        -object memory-backend-memfd,id=mem,size=…,share=on -machine memory-backend=mem""",
                what);
    }

    /** @param added number of regions that it adds */
    private void change(Request request, int added, Supplier<MemoryChange> change) throws ProtocolViolation {
        Replies.Place place = place(request);
        if (added > 0) memorySent = true;
        host.change(change.get(), accepted -> {
            if (place != null) place.answerLater(accepted ? 0 : 1);
        });
    }

    /** With GPA_ADDRESSES the front-end passes guest addresses of rings, otherwise its own user addresses. */
    private GuestMemory.Addressing ringAddressing() {
        return (protocolFeatures & ProtocolFeature.GPA_ADDRESSES) != 0
                ? GuestMemory.Addressing.GUEST
                : GuestMemory.Addressing.USER;
    }

    /** VhostUserShMemConfig: how many regions there are, and the size of each of 256 ids. */
    private void tellSharedMemory(Request request) throws ProtocolViolation {
        List<SharedRegion> regions = host.shared().regions();
        ByteBuf body = channel.alloc().directBuffer(SHARED_MEMORY_BYTES).writeZero(SHARED_MEMORY_BYTES);
        body.setIntLE(0, regions.size());
        for (SharedRegion region : regions) body.setLongLE(Long.BYTES * (1 + region.id()), region.bytes());
        replies.expect(request.number()).answer(body);
    }

    /**
     * Other file types cannot be watched, and requests on them would never be answered. A socket with its peer in this
     * process, such as the front-end's end of this connection, would keep the connection open for ever.
     */
    private Fd socket(String message, Fd fd) throws IOException {
        try {
            if (!UnixSocket.isUnixStream(fd))
                throw new IOException("the descriptor of " + message + " is not a UNIX stream socket");
            if (UnixSocket.leadsBackToUs(fd))
                throw new IOException("the socket of " + message + " is connected to a socket of this process");
            return fd;
        } catch (IOException e) {
            disposal.close(fd);
            throw e;
        }
    }

    private void getConfig(Request request, FrontEndMessage.GetConfig get) throws ProtocolViolation {
        byte[] value = new byte[get.size()];
        try {
            host.device().readConfig(get.offset(), value);
        } catch (RuntimeException | Error e) {
            log.error("{} failed in readConfig", host.loop().name(), e);
            replies.expect(request.number()).answer(channel.alloc().directBuffer(0)); // which tells the front-end
            return;
        }
        ByteBuf body = channel.alloc().directBuffer(12 + value.length);
        body.writeIntLE(get.offset()).writeIntLE(get.size()).writeIntLE(get.flags()).writeBytes(value);
        replies.expect(request.number()).answer(body);
    }

    private void setGpuSocket(Fd fd) throws IOException {
        if (display == null) {
            disposal.close(fd);
            throw new IOException(
                    "GPU_SET_SOCKET for a device that is not a GPU");
        }
        host.give(socket("GPU_SET_SOCKET", fd), display::connect);
    }

    @Override
    public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
        if (FrameChannel.isPeerGone(cause)) {
            LOG.debug("the front-end no longer reads our answers: {}", cause.toString());
        } else if (cause instanceof IOException) {
            log.error("the connection to the front-end is closed: {}", cause.getMessage());
        } else {
            log.error("the connection to the front-end is closed after an internal error", cause);
        }
        context.close();
    }

    @Override
    public void channelInactive(ChannelHandlerContext context) {
        log.info("{}: the front-end has disconnected", host.loop().name());
        Future<?> hint = memoryHint;
        if (hint != null) hint.cancel(false);
        try {
            toFrontEnd.close();
        } finally {
            host.detach(() -> {
                memory.close();
                disposal.whenDone(() -> channel.eventLoop().execute(gone));
            });
        }
    }
}
