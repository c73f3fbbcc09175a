"""Functions of JAX and where to differentiate them: name -> (function, inputs), sorted by the module they come from.

The inputs lie away from kinks and ties unless a name says so; what a function does there is JAX's convention, which is
tested where the rules are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import jax.scipy as jsp
import numpy as np

Case = tuple[Callable[..., Any], tuple[np.ndarray[Any, Any], ...]]

RNG = np.random.default_rng(5)
X = RNG.standard_normal((3, 4))
Y = RNG.standard_normal((3, 4))
POSITIVE = np.abs(X) + 0.3
SMALL = np.tanh(X) * 0.8
ABOVE_ONE = np.abs(X) + 1.2
UNIT = 1 / (1 + np.exp(-X))
SQUARE = RNG.standard_normal((4, 4)) + 2 * np.eye(4)
BATCH = RNG.standard_normal((2, 3, 3)) + 2 * np.eye(3)
DEFINITE = BATCH @ BATCH.transpose(0, 2, 1) + np.eye(3)
V = RNG.standard_normal(5)
W = RNG.standard_normal(5)
SORTED = np.sort(RNG.standard_normal(5)) + np.arange(5)
IMAGE = RNG.standard_normal((1, 5, 6, 2))
KERNEL = RNG.standard_normal((3, 2, 2, 3))


def named(module: Any, names: str, *arrays: np.ndarray[Any, Any]) -> dict[str, Case]:
    """Functions of a module that take `arrays`."""
    prefix = module.__name__.replace("jax._src", "jax")
    return {f"{prefix}.{n}": (getattr(module, n), arrays) for n in names.split()}


def called(prefix: str, **cases: Any) -> dict[str, Case]:
    """Functions with options: `name=(function, *arrays)`; what follows `__` in a name tells calls apart."""
    return {f"{prefix}.{name}": (case[0], tuple(case[1:])) for name, case in cases.items()}


NUMPY = {
    **named(jnp, "abs absolute sin cos tan sinh cosh tanh arctan arcsinh exp exp2 expm1 cbrt square", X),
    **named(jnp, "negative positive sign floor ceil round rint trunc deg2rad rad2deg", X),
    **named(jnp, "degrees radians sinc i0 nan_to_num real imag conj unwrap reciprocal fabs", X),
    **named(jnp, "log log2 log10 log1p sqrt", POSITIVE),
    **named(jnp, "arcsin arccos arctanh", SMALL),
    **named(jnp, "arccosh", ABOVE_ONE),
    **named(jnp, "add subtract multiply divide maximum minimum fmax fmin arctan2 hypot logaddexp", X, Y),
    **named(jnp, "logaddexp2 mod remainder fmod copysign heaviside true_divide", X, Y),
    **named(jnp, "power float_power", POSITIVE, Y),
    **named(jnp, "sum prod mean std var max min amax amin nansum nanmean nanprod nanvar nanstd", X),
    **named(jnp, "nanmax nanmin median nanmedian ptp average cumsum cumprod nancumsum nancumprod", X),
    **named(jnp, "ravel transpose fliplr flipud rot90 squeeze diagonal tril triu trace sort gradient", X),
    **named(jnp, "diff atleast_2d atleast_3d array copy matrix_transpose sort_complex", X),
    **named(jnp, "diag diagflat ediff1d vander poly trapezoid", V),
    **named(
        jnp,
        "dot vdot inner outer convolve correlate kron polyadd polysub polymul polyval cross",
        V[:3],
        W[:3],
    ),
    **named(jnp, "matmul dot vecdot", SQUARE, SQUARE.T + 1),
    **named(jnp, "hstack vstack dstack column_stack stack concatenate block", X),
    **called(
        "jax.numpy",
        clip=(lambda x: jnp.clip(x, -0.5, 0.5), X),
        where=(lambda x, y: jnp.where(x > y, x, y * 2), X, Y),
        select=(lambda x, y: jnp.select([x > 1, y > 0], [x, y * x], x * 3), X, Y),
        piecewise=(lambda x: jnp.piecewise(x, [x < -1, x > 0], [jnp.sin, jnp.exp, lambda x: x**2]), X),
        choose=(lambda x, y: jnp.choose(jnp.array([0, 1, 0, 1]), [x, y], mode="clip"), X[0], Y[0]),
        quantile=(lambda x: jnp.quantile(x, jnp.array([0.2, 0.55]), axis=1), X),
        percentile=(lambda x: jnp.percentile(x, 30.0), X),
        nanquantile=(lambda x: jnp.nanquantile(x, 0.3, axis=0), X),
        interp=(lambda x, xp, fp: jnp.interp(x, xp, fp), V, SORTED, W),
        einsum=(lambda x, y: jnp.einsum("ij,kj->ik", x, y), X, Y),
        einsum__trace=(lambda x: jnp.einsum("bii->b", x), BATCH),
        einsum__three=(lambda x, y, z: jnp.einsum("ij,kj,kl->il", x, y, z), X, Y, X),
        tensordot=(lambda x, y: jnp.tensordot(x, y, ((0, 1), (1, 0))), X, Y.T),
        matmul__batched=(jnp.matmul, BATCH, BATCH + 1),
        kron__matrices=(jnp.kron, X, SQUARE[:2]),
        cross__rows=(jnp.cross, X[:, :3], Y[:, :3]),
        cumsum__axis=(lambda x: jnp.cumsum(x, 1), X),
        cumprod__axis=(lambda x: jnp.cumprod(x, 0), X),
        prod__axis=(lambda x: jnp.prod(x, 1), X),
        prod__with_zero=(lambda x: jnp.prod(x * jnp.array([1, 0.0, 1, 1]), 1), X),
        max__axis=(lambda x: jnp.max(x, 1), X),
        var__ddof=(lambda x: jnp.var(x, 1, ddof=1), X),
        std__axis=(lambda x: jnp.std(x, 0), X),
        norm=(lambda x: jnp.linalg.norm(x, axis=1), X),
        sort__axis=(lambda x: jnp.sort(x, 0), X),
        partition=(lambda x: jnp.partition(x, 2), V),
        take=(lambda x: jnp.take(x, jnp.array([0, 2, 2, -1]), 0), X),
        take_along_axis=(lambda x: jnp.take_along_axis(x, jnp.argsort(x, 1), 1), X),
        getitem__mixed=(lambda x: x[jnp.array([0, 2, 0]), 1:3], X),
        getitem__strided=(lambda x: x[::-2, 1::2], X),
        getitem__mask=(lambda x: jnp.where(x > 0, x, 0)[jnp.array([1, 1])], X),
        at_set=(lambda x, y: x.at[1, ::2].set(y[0, :2]), X, Y),
        at_add=(lambda x, y: x.at[jnp.array([0, 2, 0])].add(y), X, Y),
        at_multiply=(lambda x, y: x.at[jnp.array([0, 2])].multiply(y[:2], unique_indices=True), X, Y),
        at_divide=(lambda x, y: x.at[1:].divide(y[1:]), X, Y),
        at_power=(lambda x: x.at[1].power(2.0), POSITIVE),
        at_min=(lambda x, y: x.at[jnp.array([0, 2])].min(y[:2]), X, Y),
        at_max=(lambda x, y: x.at[jnp.array([0, 2])].max(y[:2]), X, Y),
        insert=(lambda x, y: jnp.insert(x, 2, y, axis=0), X, Y[0]),
        delete=(lambda x: jnp.delete(x, 1, axis=0), X),
        append=(lambda x, y: jnp.append(x, y, axis=0), X, Y),
        concatenate__axis=(lambda x, y: jnp.concatenate([x, y, x], 1), X, Y),
        stack__axis=(lambda x, y: jnp.stack([x, y], -1), X, Y),
        split=(lambda x: jnp.split(x, [1, 3], 1)[1], X),
        array_split=(lambda x: jnp.array_split(x, 3, 1)[0], X),
        tile=(lambda x: jnp.tile(x, (2, 3)), X),
        repeat=(lambda x: jnp.repeat(x, jnp.array([1, 0, 2]), 0, total_repeat_length=3), X),
        roll=(lambda x: jnp.roll(x, (1, -2), (0, 1)), X),
        resize=(lambda x: jnp.resize(x, (5, 5)), X),
        reshape=(lambda x: jnp.reshape(x, (2, 6)), X),
        swapaxes=(lambda x: jnp.swapaxes(x, 0, 2), BATCH),
        moveaxis=(lambda x: jnp.moveaxis(x, 0, -1), BATCH),
        broadcast_to=(lambda x: jnp.broadcast_to(x, (2, 3, 4)), X),
        expand_dims=(lambda x: jnp.expand_dims(x, (0, 2)), X),
        meshgrid=(lambda x, y: jnp.meshgrid(x, y), V, W[:3]),
        tri_indices=(lambda x: x[jnp.tril_indices(3)], X),
        pad__constant=(lambda x: jnp.pad(x, ((1, 2), (0, 1))), X),
        pad__reflect=(lambda x: jnp.pad(x, 2, mode="reflect"), X),
        pad__symmetric=(lambda x: jnp.pad(x, 2, mode="symmetric"), X),
        pad__edge=(lambda x: jnp.pad(x, 2, mode="edge"), X),
        pad__wrap=(lambda x: jnp.pad(x, 2, mode="wrap"), X),
        pad__linear_ramp=(lambda x: jnp.pad(x, 2, mode="linear_ramp"), X),
        pad__mean=(lambda x: jnp.pad(x, 2, mode="mean"), X),
        pad__maximum=(lambda x: jnp.pad(x, 2, mode="maximum"), X),
        apply_along_axis=(lambda x: jnp.apply_along_axis(lambda r: r / r.sum(), 1, x), POSITIVE),
        vectorize=(lambda x, y: jnp.vectorize(lambda a, b: jnp.sin(a) * b)(x, y), X, Y),
        divmod=(lambda x, y: jnp.divmod(x, y), X, Y),
        modf=(lambda x: jnp.modf(x), X),
        ldexp=(lambda x: jnp.ldexp(x, jnp.array([1, 2, 0, -1])), X),
        frexp=(lambda x: jnp.frexp(x)[0], X),
        cov=(jnp.cov, X),
        corrcoef=(jnp.corrcoef, X),
        polyint=(lambda p: jnp.polyint(p), V),
        polyder=(lambda p: jnp.polyder(p), V),
        roots=(lambda p: jnp.abs(jnp.roots(p, strip_zeros=False)).sum(), SORTED[:3] + 1),
        histogram__weights=(lambda w: jnp.histogram(jnp.array(V), 3, weights=w)[0], W),
        bincount__weights=(lambda w: jnp.bincount(jnp.array([0, 2, 1, 2, 0]), w, length=4), W),
        angle=(lambda x, y: jnp.angle(x + 1j * y), X, Y),
        abs__complex=(lambda x, y: jnp.abs(x + 1j * y), X, Y),
        exp__complex=(lambda x, y: jnp.real(jnp.exp(x + 1j * y)), X, Y),
        power__integer=(lambda x: x**3 - x**-2, X),
    ),
    **named(jnp.fft, "fft ifft rfft fft2 fftn fftshift ifftshift ifft2 rfft2 ihfft", X),
    **called(
        "jax.numpy.fft",
        irfft=(lambda x, y: jnp.fft.irfft(x + 1j * y), X, Y),
        hfft=(lambda x, y: jnp.fft.hfft(x + 1j * y), X, Y),
        irfftn=(lambda x, y: jnp.fft.irfftn(x + 1j * y, (3, 5)), X, Y[:, :4]),
    ),
}

LINALG = {
    **named(jnp.linalg, "det slogdet inv pinv eigvalsh norm trace diagonal matrix_transpose", BATCH),
    **named(jnp.linalg, "cholesky eigh", DEFINITE),
    **named(jnp.linalg, "vector_norm matrix_norm", X),
    **named(jnp.linalg, "outer vecdot", V, W),
    **called(
        "jax.numpy.linalg",
        solve=(jnp.linalg.solve, SQUARE, X.T),
        solve__vector=(jnp.linalg.solve, SQUARE, X[0]),
        svd__values=(lambda x: jnp.linalg.svd(x, compute_uv=False), X),
        svd=(lambda x: [jnp.abs(m) for m in jnp.linalg.svd(x, full_matrices=False)], X),
        qr=(lambda x: jnp.linalg.qr(x), SQUARE),
        qr__tall=(lambda x: jnp.linalg.qr(x), X.T),
        matrix_power=(lambda x: jnp.linalg.matrix_power(x, 3), SQUARE),
        matrix_power__negative=(lambda x: jnp.linalg.matrix_power(x, -2), SQUARE),
        lstsq=(lambda a, b: jnp.linalg.lstsq(a, b)[0], X.T, Y.T),
        multi_dot=(lambda x, y, z: jnp.linalg.multi_dot([x, y.T, z]), X, Y, X),
        tensorsolve=(lambda a, b: jnp.linalg.tensorsolve(a.reshape(2, 2, 4), b.reshape(2, 2)), SQUARE, X[0]),
        tensorinv=(lambda a: jnp.linalg.tensorinv(a.reshape(2, 2, 4), ind=2), SQUARE),
        norm__nuclear=(lambda x: jnp.linalg.norm(x, "nuc"), X),
        cond=(lambda x: jnp.linalg.cond(x), SQUARE),
        norm__two=(lambda x: jnp.linalg.norm(x, 2), X),
        norm__one=(lambda x: jnp.linalg.norm(x, 1), X),
        norm__three=(lambda x: jnp.linalg.norm(x, 3, axis=0), X),
        cross=(jnp.linalg.cross, X[:, :3], Y[:, :3]),
        eigh__vectors=(lambda x: jnp.abs(jnp.linalg.eigh(x)[1]), DEFINITE),
    ),
    **called(
        "jax.scipy.linalg",
        expm=(jsp.linalg.expm, SQUARE / 4),
        solve_triangular=(lambda a, b: jsp.linalg.solve_triangular(a, b, lower=True), SQUARE, X.T),
        solve_triangular__trans=(lambda a, b: jsp.linalg.solve_triangular(a, b, trans="T"), SQUARE, X.T),
        cho_solve=(
            lambda a, b: jsp.linalg.cho_solve((jnp.linalg.cholesky(a), True), b),
            DEFINITE[0],
            X[:, :3].T,
        ),
        lu=(lambda a: jsp.linalg.lu(a)[1:], SQUARE),
        lu__tall=(lambda a: jsp.linalg.lu(a)[1:], X.T),
        lu__wide=(lambda a: jsp.linalg.lu(a)[1:], X),
        lu_solve=(lambda a, b: jsp.linalg.lu_solve(jsp.linalg.lu_factor(a), b), SQUARE, X[0]),
        block_diag=(lambda a, b: jsp.linalg.block_diag(a, b), X, Y),
        toeplitz=(lambda a, b: jsp.linalg.toeplitz(a, b), V, W),
    ),
}

NN = {
    **named(jax.nn, "relu relu6 sigmoid softplus sparse_plus sparse_sigmoid soft_sign silu swish", X * 2),
    **named(
        jax.nn, "log_sigmoid leaky_relu hard_sigmoid hard_silu hard_swish hard_tanh elu celu selu", X * 2
    ),
    **named(jax.nn, "gelu glu squareplus mish softmax log_softmax logsumexp standardize identity", X),
    **named(jax.nn, "logmeanexp", X),
    **called(
        "jax.nn",
        gelu__exact=(lambda x: jax.nn.gelu(x, approximate=False), X),
        softmax__where=(lambda x: jax.nn.softmax(x, where=jnp.array([True, True, False, True]), axis=1), X),
        logsumexp__b=(lambda x, b: jax.nn.logsumexp(x, 1, b=b), X, POSITIVE),
        one_hot=(lambda x: jax.nn.one_hot(jnp.array([0, 2]), 3) @ x, X),
        dot_product_attention=(
            lambda q, k, v: jax.nn.dot_product_attention(q, k, v),
            *(RNG.standard_normal((2, 3, 2, 4)) for _ in range(3)),
        ),
        dot_product_attention__causal=(
            lambda q, k, v: jax.nn.dot_product_attention(q, k, v, is_causal=True),
            *(RNG.standard_normal((2, 3, 2, 4)) for _ in range(3)),
        ),
    ),
}

SPECIAL = {
    **named(jsp.special, "digamma gammaln entr gamma factorial", ABOVE_ONE),
    **named(
        jsp.special, "erf erfc expit ndtr log_ndtr i0 i0e i1 i1e expi logsumexp softmax log_softmax", X * 2
    ),
    **named(jsp.special, "exp1 spence", POSITIVE),
    **named(jsp.special, "logit ndtri", UNIT),
    **named(jsp.special, "erfinv", SMALL),
    **named(jsp.special, "xlogy xlog1py rel_entr kl_div beta betaln", POSITIVE, POSITIVE[::-1] + 0.2),
    **called(
        "jax.scipy.special",
        polygamma=(lambda x: jsp.special.polygamma(2, x), ABOVE_ONE),
        zeta=(lambda q: jsp.special.zeta(2.5, q), ABOVE_ONE),
        multigammaln=(lambda x: jsp.special.multigammaln(x + 2, 3), ABOVE_ONE),
        gammainc=(jsp.special.gammainc, np.full((3, 4), 1.7), POSITIVE),
        gammaincc=(jsp.special.gammaincc, np.full((3, 4), 1.7), POSITIVE),
        gammainc__x=(lambda x: jsp.special.gammainc(1.7, x), POSITIVE),
        gammaincc__x=(lambda x: jsp.special.gammaincc(1.7, x), POSITIVE),
        betainc__x=(lambda x: jsp.special.betainc(1.7, 2.3, x), UNIT),
        expn=(lambda x: jsp.special.expn(2, x), POSITIVE),
        exp1__derivative=(lambda x: jsp.special.exp1(x) * x, ABOVE_ONE),
        hyp1f1=(lambda x: jsp.special.hyp1f1(1.2, 2.3, x), SMALL),
        poch=(lambda x: jsp.special.poch(x, 1.5), ABOVE_ONE),
        bessel_jn=(lambda x: jsp.special.bessel_jn(x, v=2, n_iter=20), POSITIVE[0]),
        sici=(lambda x: jsp.special.sici(x), POSITIVE),
    ),
    **called(
        "jax.scipy.stats",
        norm_logpdf=(jsp.stats.norm.logpdf, X),
        norm_cdf=(jsp.stats.norm.cdf, X),
        t_logpdf=(lambda x: jsp.stats.t.logpdf(x, 3.0), X),
        gamma_logpdf=(lambda x, a: jsp.stats.gamma.logpdf(x, a), POSITIVE, ABOVE_ONE),
        beta_logpdf=(lambda x: jsp.stats.beta.logpdf(x, 1.5, 2.5), UNIT),
        cauchy_logpdf=(jsp.stats.cauchy.logpdf, X),
        logistic_logpdf=(jsp.stats.logistic.logpdf, X),
        multivariate_normal_logpdf=(
            lambda x, m, c: jsp.stats.multivariate_normal.logpdf(x, m, c),
            X[:, :3],
            Y[0, :3],
            DEFINITE[0],
        ),
    ),
}


def window(reducer: Any, start: float) -> Callable[..., Any]:
    return lambda x: jax.lax.reduce_window(x, start, reducer, (1, 2, 3, 1), (1, 1, 2, 1), "SAME")


def scanned(x: Any, y: Any) -> Any:
    return jax.lax.scan(lambda c, r: (jnp.sin(c * r) + y[0], c * r), y[1], x)


LAX = {
    **named(
        jax.lax, "abs acosh asinh cos cosh erf exp exp2 expm1 log1p logistic neg sin sinh sqrt", ABOVE_ONE
    ),
    **named(
        jax.lax, "square tan tanh rsqrt cbrt lgamma digamma bessel_i0e bessel_i1e log is_finite", ABOVE_ONE
    ),
    **named(jax.lax, "acos asin atanh erf_inv erfc", SMALL),
    **named(jax.lax, "add sub mul div max min atan2 rem", X, Y),
    **named(jax.lax, "cumsum cumprod cummax cummin cumlogsumexp sort stop_gradient", X),
    **named(jax.lax, "pow", POSITIVE, Y),
    **called(
        "jax.lax",
        batch_matmul=(jax.lax.batch_matmul, BATCH, BATCH + 1),
        dot_general=(lambda x, y: jax.lax.dot_general(x, y, (((1,), (1,)), ((0,), (0,)))), BATCH, BATCH + 1),
        clamp=(lambda x: jax.lax.clamp(-0.5, x, 0.6), X),
        clamp__whole=(jax.lax.clamp, X - 0.3, Y, X + 0.4),
        integer_pow=(lambda x: jax.lax.integer_pow(x, 5), X),
        select=(lambda x, y: jax.lax.select(x > 0, x, y), X, Y),
        select_n=(lambda x, y: jax.lax.select_n(jnp.array([0, 2, 1, 0]), x, y, x * y), X[0], Y[0]),
        reduce_precision=(lambda x: jax.lax.reduce_precision(x, 8, 7), X),
        pad__interior=(lambda x: jax.lax.pad(x, x[0, 0], ((1, 2, 1), (-1, 1, 0))), X),
        slice=(lambda x: jax.lax.slice(x, (0, 1), (3, 4), (2, 2)), X),
        dynamic_slice=(lambda x: jax.lax.dynamic_slice(x, (1, 2), (2, 3)), X),
        dynamic_update_slice=(lambda x, y: jax.lax.dynamic_update_slice(x, y[:2, :2], (2, 1)), X, Y),
        dynamic_index_in_dim=(lambda x: jax.lax.dynamic_index_in_dim(x, 2, 1), X),
        rev=(lambda x: jax.lax.rev(x, (0, 1)), X),
        transpose=(lambda x: jax.lax.transpose(x, (2, 0, 1)), BATCH),
        broadcast_in_dim=(lambda x: jax.lax.broadcast_in_dim(x, (3, 2, 4), (0, 2)), X),
        reduce__sum=(lambda x: jax.lax.reduce(x, 0.0, jax.lax.add, (0,)), X),
        reduce__product=(lambda x: jax.lax.reduce(x, 1.0, jax.lax.mul, (1,)), X),
        reduce_max=(lambda x: jax.lax.reduce(x, -jnp.inf, jax.lax.max, (1,)), X),
        reduce_window__sum=(window(jax.lax.add, 0.0), IMAGE),
        reduce_window__max=(window(jax.lax.max, -jnp.inf), IMAGE),
        reduce_window__min=(window(jax.lax.min, jnp.inf), IMAGE),
        conv__same=(
            lambda x, w: jax.lax.conv_general_dilated(
                x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
            ),
            IMAGE,
            KERNEL,
        ),
        conv__dilated=(
            lambda x, w: jax.lax.conv_general_dilated(
                x, w, (2, 1), ((2, 1), (0, 3)), (1, 2), (2, 1), dimension_numbers=("NHWC", "HWIO", "NHWC")
            ),
            IMAGE,
            KERNEL,
        ),
        conv__grouped=(
            lambda x, w: jax.lax.conv_general_dilated(
                x, w, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"), feature_group_count=2
            ),
            IMAGE,
            RNG.standard_normal((2, 2, 1, 4)),
        ),
        conv__batch_groups=(
            lambda x, w: jax.lax.conv_general_dilated(
                x, w, (1, 1), "VALID", dimension_numbers=("NHWC", "HWIO", "NHWC"), batch_group_count=2
            ),
            RNG.standard_normal((4, 3, 3, 2)),
            RNG.standard_normal((2, 2, 2, 4)),
        ),
        conv_transpose=(
            lambda x, w: jax.lax.conv_transpose(
                x, w, (2, 2), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC")
            ),
            IMAGE,
            KERNEL,
        ),
        gather=(lambda x: x.at[jnp.array([0, 5, 1])].get(mode="fill", fill_value=0.0), X),
        gather__clip=(lambda x: x.at[jnp.array([0, 5, 1])].get(mode="clip"), X),
        scatter__drop=(lambda x, y: x.at[jnp.array([0, 7, 1])].add(y, mode="drop"), X, Y),
        sort_key_val=(lambda x, y: jax.lax.sort_key_val(x, y), X, Y),
        sort__two_keys=(lambda x, y: jax.lax.sort((x, y), num_keys=2), X, Y),
        top_k=(lambda x: jax.lax.top_k(x, 2)[0], X),
        argmax=(lambda x: x[jnp.arange(3), jax.lax.argmax(x, 1, "int32")], X),
        triangular_solve=(
            lambda a, b: jax.lax.linalg.triangular_solve(
                a, b, left_side=True, lower=True, unit_diagonal=True
            ),
            SQUARE,
            X.T,
        ),
        cholesky=(jax.lax.linalg.cholesky, DEFINITE),
        lu=(lambda a: jax.lax.linalg.lu(a)[0], SQUARE),
        eigh=(lambda a: jax.lax.linalg.eigh(a)[1], DEFINITE[0]),
        tridiagonal_solve=(jax.lax.linalg.tridiagonal_solve, V, V + 4, W, np.stack([W, V], 1)),
        qr__complete=(lambda a: jnp.linalg.qr(a, mode="complete")[1], SQUARE),
        scan=(scanned, X, Y),
        scan__reverse=(
            lambda x: jax.lax.scan(lambda c, r: (c * 0.5 + r, jnp.tanh(c)), x[0], x, reverse=True),
            X,
        ),
        fori_loop=(lambda x: jax.lax.fori_loop(0, 4, lambda i, a: jnp.sin(a) * (i + 1), x), X),
        map=(lambda x: jax.lax.map(lambda r: r @ r, x), X),
        associative_scan=(lambda x: jax.lax.associative_scan(jnp.multiply, x), X),
        cond=(lambda x, y: jax.lax.cond(x.sum() > 0, jnp.sin, lambda a: a * y, x), X, Y),
        switch=(lambda x, y: jax.lax.switch(2, [jnp.sin, jnp.cos, lambda a: a * y], x), X, Y),
        igamma__x=(lambda x: jax.lax.igamma(jnp.full_like(x, 2.2), x), POSITIVE),
        igamma=(jax.lax.igamma, ABOVE_ONE, POSITIVE),
        igammac=(jax.lax.igammac, ABOVE_ONE, POSITIVE),
        betainc__x=(lambda x: jax.lax.betainc(jnp.full_like(x, 2.2), jnp.full_like(x, 1.3), x), UNIT),
        polygamma=(lambda x: jax.lax.polygamma(jnp.ones_like(x), x), ABOVE_ONE),
        optimization_barrier=(lambda x: jax.lax.optimization_barrier(x * 2), X),
        complex=(lambda x, y: jax.lax.complex(x, y) ** 2, X, Y),
        fft=(lambda x: jax.lax.fft(x + 0j, "FFT", (4,)), X),
        custom_linear_solve=(
            lambda a, b: jax.lax.custom_linear_solve(
                lambda x: a @ x,
                b,
                lambda mv, v: jnp.linalg.solve(a, v),
                lambda vm, v: jnp.linalg.solve(a.T, v),
            ),
            SQUARE,
            X[0],
        ),
        convert_element_type=(lambda x: jax.lax.convert_element_type(x, "bfloat16").astype(x.dtype), X),
        scan__cond=(
            lambda x: jax.lax.scan(
                lambda c, r: (jax.lax.cond(r.sum() > 0, jnp.sin, jnp.cos, c) * r, c.sum()), x[0], x
            ),
            X,
        ),
    ),
}

FUNCTIONS: dict[str, Case] = {**NUMPY, **LINALG, **NN, **SPECIAL, **LAX}

OWN_RULE = "JAX declares a rule of its own, which the program it exports does not contain"

DIFFERENT = {
    "jax.lax.stop_gradient": "JAX exports nothing for it",
    "jax.numpy.frexp": OWN_RULE,
    "jax.numpy.ldexp": OWN_RULE,
    "jax.scipy.special.expi": OWN_RULE,
    "jax.scipy.special.expn": OWN_RULE,
    "jax.scipy.special.hyp1f1": OWN_RULE,
}
"""Functions whose gradient cannot be JAX's, and why."""

DIFFERENT_NATIVELY = {
    "jax.numpy.linalg.eigh": "the sign of an eigenvector is LAPACK's choice or ours, and its cotangent is random"
}
"""Functions whose gradient is not JAX's where generated code runs, and why."""
