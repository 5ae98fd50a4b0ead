# SPDX-License-Identifier: Apache-2.0
"""Queries: nearest, sparse, by id, fused from prefetches, by example, ordered."""

import math

import pytest
from qdrant_client import models
from qdrant_client.http.exceptions import UnexpectedResponse

# angles, in degrees, of the dense vectors; words of the sparse ones
ANGLES = {1: 0, 2: 10, 3: 25, 4: 45, 5: 80, 6: 120, 7: 180}
WORDS = {1: {1: 1.0}, 2: {1: 2.0, 2: 1.0}, 3: {2: 3.0}, 4: {3: 1.0}, 5: {1: 1.0, 3: 2.0}, 6: {}}


def at(degrees):
    return [math.cos(math.radians(degrees)), math.sin(math.radians(degrees)), 0, 0]


def sparse(weights):
    return models.SparseVector(indices=list(weights), values=list(weights.values()))


@pytest.fixture
def circle(client, docs):
    client.upsert(
        docs,
        [
            models.PointStruct(
                id=n,
                vector={"dense": at(angle)} | ({"text": sparse(WORDS[n])} if WORDS.get(n) else {}),
                payload={"n": n, "half": "upper" if angle < 90 else "lower"},
            )
            for n, angle in ANGLES.items()
        ],
    )
    return docs


def ids(answer):
    return [each.id for each in answer.points]


def dense(degrees, limit=10, **more):
    return models.Prefetch(query=at(degrees), using="dense", limit=limit, **more)


def lexical(weights, limit=10):
    return models.Prefetch(query=sparse(weights), using="text", limit=limit)


def rrf(k, *rankings):
    """Return ids by reciprocal rank fusion with rank constant *k*, ranks from zero."""
    scores: dict[int, float] = {}
    for ranking in rankings:
        for rank, each in enumerate(ranking):
            scores[each] = scores.get(each, 0) + 1 / (k + rank)
    return scores


def test_the_nearest_come_first_with_their_cosine(client, circle):
    points = client.query_points(circle, query=at(20), using="dense", limit=3).points

    assert [each.id for each in points] == [3, 2, 1]
    assert [each.score for each in points] == pytest.approx(
        [math.cos(math.radians(each)) for each in (5, 10, 20)], abs=1e-6
    )


def test_the_payload_comes_along_and_vectors_when_asked(client, circle):
    bare = client.query_points(circle, query=at(0), using="dense", limit=1).points[0]
    full = client.query_points(
        circle, query=at(0), using="dense", limit=1, with_vectors=["dense"]
    ).points[0]

    assert (bare.payload["n"], bare.vector) == (1, None)
    assert full.vector["dense"] == pytest.approx(at(0), abs=1e-6)


def test_offset_and_limit_page_through(client, circle):
    pages = [
        ids(client.query_points(circle, query=at(0), using="dense", limit=3, offset=offset))
        for offset in (0, 3, 6, 9)
    ]

    assert pages == [[1, 2, 3], [4, 5, 6], [7], []]


def test_a_huge_limit_returns_all(client, circle):
    assert len(ids(client.query_points(circle, query=at(0), using="dense", limit=999_999_999))) == 7


def test_a_score_threshold_cuts(client, circle):
    found = client.query_points(circle, query=at(0), using="dense", score_threshold=0.7)

    assert ids(found) == [1, 2, 3, 4]


def test_a_filter_holds(client, circle):
    lower = models.Filter(
        must=[models.FieldCondition(key="half", match=models.MatchValue(value="lower"))]
    )

    assert ids(client.query_points(circle, query=at(0), using="dense", query_filter=lower)) == [
        6,
        7,
    ]


def test_exact_and_approximate_agree_on_few_points(client, circle):
    answers = [
        ids(
            client.query_points(
                circle,
                query=at(33),
                using="dense",
                search_params=models.SearchParams(exact=exact, hnsw_ef=64),
            )
        )
        for exact in (True, False)
    ]

    assert answers[0] == answers[1]


def test_sparse_scores_are_weighted_by_rarity(client, circle):
    # BM25's inverse document frequency, ln((N - n + 0.5) / (n + 0.5) + 1), of term 3 in 2 of N
    points = client.query_points(circle, query=sparse({3: 1.0}), using="text").points

    assert [each.id for each in points] == [5, 4]
    assert points[0].score == pytest.approx(2 * points[1].score, rel=1e-5)
    assert points[0].score > 0


def test_rare_words_count_more_than_frequent_ones(client, circle):
    points = client.query_points(circle, query=sparse({1: 1.0, 3: 1.0}), using="text").points
    scores = {each.id: each.score for each in points}

    assert scores[4] > scores[1]


def test_words_nobody_has_find_nothing(client, circle):
    assert ids(client.query_points(circle, query=sparse({99: 1.0}), using="text")) == []


def test_a_point_finds_its_neighbours_but_not_itself(client, circle):
    assert ids(client.query_points(circle, query=2, using="dense", limit=3)) == [1, 3, 4]


def test_a_point_that_is_not_there_is_not_found(client, circle):
    with pytest.raises(UnexpectedResponse) as refused:
        client.query_points(circle, query=99, using="dense")

    assert refused.value.status_code == 404


@pytest.mark.parametrize("k", [1, 2, 60])
def test_reciprocal_rank_fusion_is_what_the_paper_says(client, circle, k):
    by_angle = ids(client.query_points(circle, query=at(20), using="dense", limit=5))
    by_words = ids(client.query_points(circle, query=sparse({1: 1.0, 2: 1.0}), using="text"))

    answer = client.query_points(
        circle,
        prefetch=[dense(20, limit=5), lexical({1: 1.0, 2: 1.0})],
        query=models.RrfQuery(rrf=models.Rrf(k=k)),
        limit=10,
    )

    assert {each.id: each.score for each in answer.points} == pytest.approx(
        rrf(k, by_angle, by_words), rel=1e-5
    )
    assert [each.score for each in answer.points] == sorted(
        (each.score for each in answer.points), reverse=True
    )


def test_fusion_by_name_uses_the_servers_constant(client, circle):
    by_angle = ids(client.query_points(circle, query=at(20), using="dense", limit=3))

    answer = client.query_points(
        circle, prefetch=[dense(20, limit=3)], query=models.FusionQuery(fusion=models.Fusion.RRF)
    )

    assert {each.id: each.score for each in answer.points} == pytest.approx(rrf(2, by_angle))


def test_weights_tip_the_balance(client, circle):
    prefetch = [dense(180, limit=1), lexical({2: 1.0}, limit=1)]

    winners = [
        ids(
            client.query_points(
                circle, prefetch=prefetch, query=models.RrfQuery(rrf=models.Rrf(weights=weights))
            )
        )[0]
        for weights in ([3.0, 1.0], [1.0, 3.0])
    ]

    assert winners == [7, 3]


def test_scores_may_be_fused_by_distribution(client, circle):
    answer = client.query_points(
        circle,
        prefetch=[dense(20), lexical({2: 1.0})],
        query=models.FusionQuery(fusion=models.Fusion.DBSF),
    )

    assert ids(answer)[0] == 3


def test_a_prefetch_is_reranked_by_the_query(client, circle):
    answer = client.query_points(circle, prefetch=dense(0, limit=3), query=at(90), using="dense")

    assert ids(answer) == [3, 2, 1]


def test_prefetches_nest(client, circle):
    inner = dense(0, limit=4)
    outer = models.Prefetch(prefetch=[inner], query=at(90), using="dense", limit=2)

    answer = client.query_points(
        circle, prefetch=outer, query=models.FusionQuery(fusion=models.Fusion.RRF)
    )

    assert ids(answer) == [4, 3]


def test_filters_hold_in_prefetches_and_outside(client, circle):
    def below(limit):
        return models.Filter(must=[models.FieldCondition(key="n", range=models.Range(lt=limit))])

    answer = client.query_points(
        circle,
        prefetch=[dense(0, filter=below(5))],
        query=models.FusionQuery(fusion=models.Fusion.RRF),
        query_filter=below(3),
    )

    assert set(ids(answer)) == {1, 2}


def test_a_query_of_nothing_returns_points_by_id(client, circle):
    assert ids(client.query_points(circle, limit=3)) == [1, 2, 3]


def test_points_may_be_ordered_by_a_field(client, circle):
    client.create_payload_index(circle, "n", "integer")
    order = models.OrderByQuery(order_by=models.OrderBy(key="n", direction="desc"))

    assert ids(client.query_points(circle, query=order, limit=3)) == [7, 6, 5]


def test_a_random_sample_has_the_size_asked_for(client, circle):
    sample = models.SampleQuery(sample=models.Sample.RANDOM)

    assert len(set(ids(client.query_points(circle, query=sample, limit=4)))) == 4


@pytest.mark.parametrize("strategy", [None, *models.RecommendStrategy])
def test_examples_recommend_what_is_like_the_good_and_unlike_the_bad(client, circle, strategy):
    wish = models.RecommendQuery(
        recommend=models.RecommendInput(positive=[2, at(30)], negative=[7], strategy=strategy)
    )

    found = ids(client.query_points(circle, query=wish, using="dense", limit=6))

    assert found[0] in {1, 3}
    assert not {2, 7} & set(found)


def test_the_average_is_that_of_the_server(client, circle):
    wish = models.RecommendQuery(
        recommend=models.RecommendInput(positive=[at(0), at(90)], negative=[])
    )

    best = client.query_points(circle, query=wish, using="dense", limit=1).points[0]

    assert (best.id, best.score) == (4, pytest.approx(1.0, abs=1e-6))


def test_discovery_and_context_are_answered(client, circle):
    pair = models.ContextPair(positive=1, negative=7)
    discover = models.DiscoverQuery(discover=models.DiscoverInput(target=at(50), context=[pair]))
    context = models.ContextQuery(context=[pair])

    discovered = ids(client.query_points(circle, query=discover, using="dense", limit=2))
    fitting = ids(client.query_points(circle, query=context, using="dense", limit=7))

    assert discovered == [4, 3]
    assert not {1, 7} & set(fitting)


def test_diversity_avoids_the_same_again(client, circle):
    query = models.NearestQuery(nearest=at(0), mmr=models.Mmr(diversity=1.0, candidates_limit=7))

    found = ids(client.query_points(circle, query=query, using="dense", limit=2))

    assert found == [1, 7]


def test_several_queries_are_answered_in_order(client, circle):
    answers = client.query_batch_points(
        circle,
        [
            models.QueryRequest(query=at(180), using="dense", limit=1),
            models.QueryRequest(query=sparse({2: 1.0}), using="text", limit=1, with_payload=True),
            models.QueryRequest(query=1, using="dense", limit=1),
        ],
    )

    assert [ids(each) for each in answers] == [[7], [3], [2]]
    assert answers[1].points[0].payload["n"] == 3


def test_vectors_may_be_looked_up_elsewhere(client, circle, name):
    other = f"{name}-other"
    client.create_collection(other, models.VectorParams(size=4, distance="Dot"))
    client.upsert(other, [models.PointStruct(id=3, vector=at(180))])

    found = client.query_points(
        circle,
        query=3,
        using="dense",
        limit=1,
        lookup_from=models.LookupLocation(collection=other, vector=""),
    )
    client.delete_collection(other)

    assert ids(found) == [7]


WRONG = {
    "length": {"query": [1.0, 2.0], "using": "dense"},
    "name": {"query": [1.0] * 4, "using": "nope"},
    "no name": {"query": [1.0] * 4},
    "dense for sparse": {"query": [1.0] * 4, "using": "text"},
    "sparse for dense": {"query": sparse({1: 1.0}), "using": "dense"},
    "fusion of nothing": {"query": models.FusionQuery(fusion=models.Fusion.RRF)},
    "limit of zero": {"query": [1.0] * 4, "using": "dense", "limit": 0},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG.keys())
def test_a_query_that_does_not_fit_is_refused(client, circle, wrong):
    with pytest.raises(UnexpectedResponse) as refused:
        client.query_points(circle, **wrong)

    assert refused.value.status_code in {400, 422}
