// A TLS server of the JDK that answers every request with a short page.
// Arguments: socket|https, require|optional|no, protocols, status, depth, crl|no-crl, name|-.
// It reads chain.pem, key.pem, trust.pem, crl.pem and page.html from its working directory,
// binds a free loopback port, and prints "listening on 127.0.0.1:PORT".
import com.sun.net.httpserver.HttpsConfigurator;
import com.sun.net.httpserver.HttpsParameters;
import com.sun.net.httpserver.HttpsServer;
import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.CertStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.security.cert.CollectionCertStoreParameters;
import java.security.cert.PKIXBuilderParameters;
import java.security.cert.X509CertSelector;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.Collection;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import javax.net.ssl.CertPathTrustManagerParameters;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SNIHostName;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLServerSocket;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

public class Server {
    static final InetAddress LOOPBACK = InetAddress.getLoopbackAddress();
    static String asks;
    static String[] protocols;
    static int status;
    static int depth;
    static boolean revocation;
    static String name;
    static byte[] page;

    public static void main(String[] told) throws Exception {
        asks = told[1];
        protocols = told[2].split(",");
        status = Integer.parseInt(told[3]);
        depth = Integer.parseInt(told[4]);
        revocation = told[5].equals("crl");
        name = told[6].equals("-") ? null : told[6];
        page = Files.readAllBytes(Path.of("page.html"));
        if (told[0].equals("https")) serveHttps(context());
        else serveSockets(context());
    }

    static void listening(int port) {
        System.out.println("listening on 127.0.0.1:" + port);
        System.out.flush();
    }

    static Collection<? extends Certificate> certificates(String file) throws Exception {
        try (InputStream in = Files.newInputStream(Path.of(file))) {
            return CertificateFactory.getInstance("X.509").generateCertificates(in);
        }
    }

    static PrivateKey key() throws Exception {
        String text = Files.readString(Path.of("key.pem")).replaceAll("-----[^-]+-----|\\s", "");
        PKCS8EncodedKeySpec spec = new PKCS8EncodedKeySpec(Base64.getDecoder().decode(text));
        for (String kind : new String[] {"EC", "RSA", "Ed25519"}) {
            try {
                return KeyFactory.getInstance(kind).generatePrivate(spec);
            } catch (java.security.spec.InvalidKeySpecException other) {
                continue;
            }
        }
        throw new IllegalArgumentException("a key of no known kind");
    }

    static SSLContext context() throws Exception {
        KeyStore own = KeyStore.getInstance("PKCS12");
        own.load(null, null);
        char[] word = "lab".toCharArray();
        own.setKeyEntry("server", key(), word, certificates("chain.pem").toArray(new Certificate[0]));
        KeyManagerFactory keys = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        keys.init(own, word);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(keys.getKeyManagers(), trust().getTrustManagers(), null);
        return context;
    }

    static TrustManagerFactory trust() throws Exception {
        KeyStore trusted = KeyStore.getInstance("PKCS12");
        trusted.load(null, null);
        int number = 0;
        for (Certificate one : certificates("trust.pem")) trusted.setCertificateEntry("ca" + number++, one);
        TrustManagerFactory made = TrustManagerFactory.getInstance("PKIX");
        if (number == 0 || (!revocation && depth >= 5)) {
            made.init(trusted);
            return made;
        }
        PKIXBuilderParameters wanted = new PKIXBuilderParameters(trusted, new X509CertSelector());
        wanted.setMaxPathLength(depth);
        wanted.setRevocationEnabled(revocation);
        if (revocation) {
            try (InputStream in = Files.newInputStream(Path.of("crl.pem"))) {
                wanted.addCertStore(CertStore.getInstance("Collection",
                    new CollectionCertStoreParameters(
                        CertificateFactory.getInstance("X.509").generateCRLs(in))));
            }
        }
        made.init(new CertPathTrustManagerParameters(wanted));
        return made;
    }

    static void demand(SSLParameters parameters) {
        parameters.setProtocols(protocols);
        if (asks.equals("require")) parameters.setNeedClientAuth(true);
        if (asks.equals("optional")) parameters.setWantClientAuth(true);
        if (name != null) {
            parameters.setSNIMatchers(List.of(SNIHostName.createSNIMatcher(name.replace(".", "\\."))));
        }
    }

    static void serveHttps(SSLContext context) throws Exception {
        HttpsServer server = HttpsServer.create(new InetSocketAddress(LOOPBACK, 0), 50);
        server.setHttpsConfigurator(new HttpsConfigurator(context) {
            @Override public void configure(HttpsParameters parameters) {
                SSLParameters chosen = getSSLContext().getDefaultSSLParameters();
                demand(chosen);
                parameters.setSSLParameters(chosen);
            }
        });
        server.createContext("/", exchange -> {
            exchange.getResponseHeaders().set("Content-Type", "text/html");
            exchange.sendResponseHeaders(status, page.length);
            exchange.getResponseBody().write(page);
            exchange.close();
        });
        server.setExecutor(threads());
        server.start();
        listening(server.getAddress().getPort());
    }

    static ExecutorService threads() {
        return Executors.newCachedThreadPool();
    }

    static void serveSockets(SSLContext context) throws Exception {
        SSLServerSocket listener =
            (SSLServerSocket) context.getServerSocketFactory().createServerSocket(0, 50, LOOPBACK);
        SSLParameters chosen = listener.getSSLParameters();
        demand(chosen);
        listener.setSSLParameters(chosen);
        ExecutorService threads = threads();
        listening(listener.getLocalPort());
        while (true) {
            SSLSocket socket = (SSLSocket) listener.accept();
            threads.execute(() -> answer(socket));
        }
    }

    static void answer(SSLSocket socket) {
        try (socket) {
            socket.setSoTimeout(10000);
            socket.startHandshake();
            InputStream in = socket.getInputStream();
            StringBuilder request = new StringBuilder();
            for (int c = in.read(); c >= 0 && request.indexOf("\r\n\r\n") < 0; ) {
                request.append((char) c);
                if (request.indexOf("\r\n\r\n") >= 0) break;
                c = in.read();
            }
            String head = "HTTP/1.1 " + status + " Lab\r\nContent-Type: text/html\r\nContent-Length: "
                + page.length + "\r\nConnection: close\r\n\r\n";
            socket.getOutputStream().write(head.getBytes(StandardCharsets.US_ASCII));
            socket.getOutputStream().write(page);
            socket.getOutputStream().flush();
        } catch (Exception error) {
            System.out.println("SERVER " + error);
            System.out.flush();
        }
    }
}
